import { formatPath, type Path } from '../../config/problem/problem.ts';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { ANYTHING, Expected, GivenMessage } from '../../config/tests/message-schema.ts';
import { AnyValue, Condition } from '../../config/tests/pattern.ts';
import { Message } from '../../core/message.ts';
import type { InputMessage, OutputMessage } from '../simulation/messages.ts';
import { compareMessages, type ListDifference } from './compare-lists.ts';
import { show } from './difference.ts';
import type { Failure } from './result.ts';

/** A message that came out, as expressions see it. */
export function receivedMessage(output: OutputMessage): Message {
  const { payload, key, headers, timestamp, topic, partition, offset } = output;
  return new Message(payload, {
    key: key ?? null,
    headers: Object.entries(headers),
    timestamp,
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
  });
}

/** A frame that a client received. */
export function receivedFrame(frame: string | Buffer): Message {
  return new Message(Buffer.from(frame as string));
}

/** A message of a test as the simulation takes it. */
export function inputOf({ base64, ...given }: GivenMessage): InputMessage {
  return base64 === undefined ? given : { ...given, bytes: Buffer.from(base64, 'base64') };
}

/** What differs between a list of the test, at `path`, and the messages that came. */
export async function failuresOfList(
  { locate }: PlacedTest,
  path: Path,
  expected: readonly Expected[] | typeof ANYTHING,
  messages: readonly Message[],
): Promise<Failure[]> {
  if (typeof expected === 'string') return [];
  const differences = await compareMessages(expected, messages);
  return differences.flatMap((difference) => failuresOf(difference, expected, locate, path));
}

function failuresOf(
  difference: ListDifference,
  expected: readonly Expected[],
  locate: PlacedTest['locate'],
  path: Path,
): Failure[] {
  if (difference.kind === 'extra') {
    const what = { expected: 'nothing more', got: difference.shown };
    return [{ path: formatPath(path), place: locate(path), what }];
  }
  const at = [...path, difference.at];
  if (difference.kind === 'missing') {
    const what = { expected: shownExpectation(expected[difference.at]), got: 'nothing' };
    return [{ path: formatPath(at), place: locate(at), what }];
  }
  return difference.differences.map(({ path: within, expected: wanted, got }, index) => {
    const full = [...at, ...within];
    const whole = index === 0 ? { details: `in        ${difference.shown}` } : {};
    return { path: formatPath(full), place: locate(full), what: { expected: wanted, got }, ...whole };
  });
}

function shownExpectation(expected: Expected | undefined): string {
  if (expected instanceof AnyValue) return 'a message';
  if (expected instanceof Condition) return `a message for which ${expected.expression.text} is true`;
  return show(expected);
}
