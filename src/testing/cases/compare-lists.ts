import type { Expected } from '../../config/tests/message-schema.ts';
import type { Message } from '../../core/message.ts';
import type { Difference } from './difference.ts';
import { differencesOf, shownMessage } from './match.ts';

/** How a list of messages differs from the one that is expected. */
export type ListDifference =
  /** The message is there, and is not as expected. `at`: index of both the expectation and, from 0, the message. */
  | {
      readonly kind: 'differs';
      readonly at: number;
      readonly gotAt: number;
      readonly differences: readonly Difference[];
    }
  | { readonly kind: 'missing'; readonly at: number }
  | { readonly kind: 'extra'; readonly gotAt: number; readonly shown: string };

/** Lists up to this length are aligned; longer ones are compared place by place, as pairs grow with the square. */
const MAX_ALIGNED = 200;

/**
 * Differences of two lists, in their order. The longest run of messages that are as expected is found first, so that a
 * message that is missing at the beginning is one difference, and does not make all behind it differ.
 */
export async function compareMessages(
  expected: readonly Expected[],
  messages: readonly Message[],
): Promise<ListDifference[]> {
  const pairs = await alignment(expected, messages);
  const found: ListDifference[] = [];
  let [at, gotAt] = [0, 0];
  for (const [nextAt, nextGot] of [...pairs, [expected.length, messages.length] as const]) {
    while (at < nextAt || gotAt < nextGot) {
      const message = messages[gotAt];
      const wanted = expected[at];
      if (at < nextAt && gotAt < nextGot && message !== undefined && wanted !== undefined)
        found.push({ kind: 'differs', at: at++, gotAt: gotAt++, differences: await differencesOf(wanted, message) });
      else if (at < nextAt) found.push({ kind: 'missing', at: at++ });
      else if (message !== undefined) found.push({ kind: 'extra', gotAt: gotAt++, shown: shownMessage(message) });
    }
    [at, gotAt] = [nextAt + 1, nextGot + 1];
  }
  return found;
}

type Pair = readonly [at: number, gotAt: number];

/** Pairs of an expectation and the message that meets it, both in order; as many as there can be. */
async function alignment(expected: readonly Expected[], messages: readonly Message[]): Promise<readonly Pair[]> {
  const meets = async (at: number, gotAt: number) => {
    const [wanted, message] = [expected[at], messages[gotAt]];
    return wanted !== undefined && message !== undefined && (await differencesOf(wanted, message)).length === 0;
  };
  const pairs: Pair[] = [];
  let start = 0;
  while (start < expected.length && (await meets(start, start))) {
    pairs.push([start, start]);
    start += 1;
  }
  if (start === expected.length && start === messages.length) return pairs;
  if (Math.max(expected.length, messages.length) > MAX_ALIGNED) {
    for (let at = start; at < expected.length; at += 1) if (await meets(at, at)) pairs.push([at, at]);
    return pairs;
  }
  return [...pairs, ...(await longest(start, expected.length, messages.length, meets))];
}

/** The longest common subsequence from `start` on. */
async function longest(
  start: number,
  rows: number,
  columns: number,
  meets: (at: number, gotAt: number) => Promise<boolean>,
): Promise<Pair[]> {
  const width = columns + 1;
  const lengths = new Uint16Array((rows + 1) * width);
  const met = new Uint8Array((rows + 1) * width);
  const length = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = rows - 1; row >= start; row -= 1) {
    for (let column = columns - 1; column >= start; column -= 1) {
      const isMet = await meets(row, column);
      met[row * width + column] = Number(isMet);
      lengths[row * width + column] = isMet
        ? length(row + 1, column + 1) + 1
        : Math.max(length(row + 1, column), length(row, column + 1));
    }
  }
  const pairs: Pair[] = [];
  for (let [row, column] = [start, start]; row < rows && column < columns; ) {
    if (met[row * width + column] === 1) pairs.push([row++, column++]);
    else if (length(row + 1, column) >= length(row, column + 1)) row += 1;
    else column += 1;
  }
  return pairs;
}
