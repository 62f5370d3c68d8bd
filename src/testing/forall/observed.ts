import type { Fed, InputMessage, OutputMessage } from '../simulation/messages.ts';

/** What became of a message of the input. */
export interface ObservedInput {
  readonly message: InputMessage;
  readonly outcome: 'pending' | 'stored' | 'filtered' | 'dead_letter' | 'failed';
  /** Code of the error with which it failed. */
  readonly error?: string | undefined;
  /** At most within one life of the gateway. */
  readonly settledTimes: number;
  /** The gateway crashed while it was in flight: its sender has no answer, and may send it again. */
  readonly isCut: boolean;
  /** It was settled when the sink got what became of it. */
  readonly isSettledEarly: boolean;
  /** It came to a sink `drop`, which keeps nothing. */
  readonly isDropped: boolean;
}

/** What came out at one of the destinations, in the order of that destination. */
export interface ObservedOutput {
  /** Topic, endpoint or sink. */
  readonly topic: string;
  readonly isDeadLetter: boolean;
  readonly payload: Buffer | null;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Index of the message of the input that it comes from; undefined where it comes from several, or that is not known. */
  readonly origin: number | undefined;
}

/** A run of a pipeline, once everything that was in flight is done. */
export interface Observed {
  readonly inputs: readonly ObservedInput[];
  readonly outputs: readonly ObservedOutput[];
  /** Sizes of the batches that the sink got. */
  readonly batches: readonly number[];
  /** An operator makes messages of its own, such as a window: outputs do not come from one message each. */
  readonly isAggregating: boolean;
  /** Messages come from topics: those without a key are spread over the partitions. */
  readonly isFromTopics: boolean;
}

export function observedInput(
  { message, outcome, error }: Fed,
  facts: Pick<ObservedInput, 'settledTimes' | 'isCut' | 'isSettledEarly' | 'isDropped'>,
): ObservedInput {
  return { message, outcome, error: error?.code, ...facts };
}

export function observedOutput(
  { payload, key, headers }: OutputMessage,
  facts: Pick<ObservedOutput, 'topic' | 'isDeadLetter' | 'origin'>,
): ObservedOutput {
  return { payload, key, headers, ...facts };
}

/** Characters of a message that a sentence shows. */
const MAX_SHOWN = 120;

/** `message 2 ({"total":-1}, key k1)`, counted from 1 as in the printed entry. */
export function namedInput({ inputs }: Observed, index: number): string {
  const message = inputs[index]?.message ?? {};
  const key = message.key === undefined || message.key === null ? '' : `, key ${String(message.key)}`;
  return `message ${index + 1} (${shown(contentOf(message))}${key})`;
}

function contentOf(message: InputMessage): string {
  if ('json' in message) return JSON.stringify(message.json);
  return message.text ?? 'bytes';
}

export function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}
