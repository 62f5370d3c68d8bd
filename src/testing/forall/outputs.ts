import type { PipelineConfig } from '../../config/index.ts';
import type { Fed, OutputMessage } from '../simulation/messages.ts';
import type { ObservedInput, ObservedOutput } from './observed.ts';

/** A message that the sink was given, and what it was made from where that is one message of the input. */
export interface Written {
  readonly payload: Buffer;
  readonly fed: Fed | undefined;
}

interface Run {
  readonly fed: readonly Fed[];
  readonly written: readonly Written[];
  readonly settings: PipelineConfig;
}

export function observedInput(
  { message, outcome, error }: Fed,
  facts: Pick<ObservedInput, 'settledTimes' | 'isCut' | 'isSettledEarly' | 'isDropped'>,
): ObservedInput {
  return { message, outcome, error: error?.code, ...facts };
}

/** What came out, each with the message of the input that it comes from. */
export function observedOutputs(
  output: ReadonlyMap<string, readonly OutputMessage[]>,
  { fed, written, settings }: Run,
): ObservedOutput[] {
  const letters = settings.on_error.dead_letter;
  return [...output].flatMap(([topic, messages]) => {
    const isDeadLetter = topic === letters;
    const originOf = isDeadLetter ? originOfLetters(fed) : originOfOutputs(fed, written);
    return messages.map(({ payload, key, headers }) => ({
      topic,
      isDeadLetter,
      payload,
      key,
      headers,
      origin: originOf(payload),
    }));
  });
}

type OriginOf = (payload: Buffer) => number | undefined;

/**
 * A sink stores payloads as they are, and those of the same content in the order in which it got them. One that comes more often
 * than the sink got it was repeated, and comes from the last of them.
 */
function originOfOutputs(fed: readonly Fed[], written: readonly Written[]): OriginOf {
  return inTurn(written.flatMap((one) => (one.fed === undefined ? [] : [[one.payload, fed.indexOf(one.fed)]])));
}

/** A dead letter has the payload of the message as it came. */
function originOfLetters(fed: readonly Fed[]): OriginOf {
  const all = fed.map((one, at) => ({ one, at }));
  // Others were dead letters before a crash, and became something else when they were read again.
  const isLetter = ({ one }: { readonly one: Fed }) => one.outcome === 'dead_letter';
  const inOrder = [...all.filter(isLetter), ...all.filter((entry) => !isLetter(entry))];
  return inTurn(inOrder.map(({ one, at }) => [payloadOf(one), at] as const));
}

function inTurn(known: readonly (readonly [payload: Buffer, origin: number])[]): OriginOf {
  const origins = new Map<string, number[]>();
  for (const [payload, origin] of known) {
    const id = payload.toString('base64');
    const same = origins.get(id);
    if (same === undefined) origins.set(id, [origin]);
    else if (!same.includes(origin)) same.push(origin);
  }
  return (payload) => {
    const same = origins.get(payload.toString('base64'));
    return same !== undefined && same.length > 1 ? same.shift() : same?.[0];
  };
}

function payloadOf({ message }: Fed): Buffer {
  if (message.bytes !== undefined) return Buffer.from(message.bytes);
  return Buffer.from(message.text ?? (message.json === undefined ? '' : JSON.stringify(message.json)));
}
