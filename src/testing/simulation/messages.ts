import { TidegateError } from '../../core/errors.ts';
import type { Header } from '../../core/headers.ts';
import { Message, type MessageInit } from '../../core/message.ts';
import type { Outcome } from '../../core/settling.ts';

/** A message that a test puts into a pipeline: its payload is one of `json`, `text` and `bytes`, and empty without any. */
export interface InputMessage {
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** For a source that is not a topic: what it says of where the message came from. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Which topic gets it, where the pipeline reads several; left out: the first that its source names. */
  readonly topic?: string;
  /** Milliseconds since the epoch; the time of the clock if left out. */
  readonly timestamp?: number;
}

/** A record that was written, or a message that a sink was given. */
export interface OutputMessage {
  readonly payload: Buffer;
  /** The payload as text. */
  readonly text: string;
  /** The payload as JSON; undefined where it is not JSON. */
  readonly json: unknown;
  readonly key: string | undefined;
  /** The last header of each name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
}

/** What becomes of a message that was put into a pipeline. It changes as time goes on. */
export interface Fed {
  readonly message: InputMessage;
  /** `failed`: it was nacked; of a topic, it is read again unless the pipeline stops there. */
  readonly outcome: 'pending' | 'failed' | Outcome;
  /** Why it failed. */
  readonly error: TidegateError | undefined;
  /** How often it was settled: more than once where it was read again, as after a crash. */
  readonly settledTimes: number;
}

/** A message in the hands of the simulation. */
export class FedMessage implements Fed {
  readonly message: InputMessage;
  outcome: Fed['outcome'] = 'pending';
  error: TidegateError | undefined;
  settledTimes = 0;

  constructor(message: InputMessage) {
    this.message = message;
  }

  settled(failure: TidegateError | null, outcome: Outcome): void {
    this.settledTimes += 1;
    this.outcome = failure === null ? outcome : 'failed';
    this.error = failure ?? undefined;
  }

  /** It could not be put in. */
  refused(error: TidegateError): void {
    this.outcome = 'failed';
    this.error = error;
  }
}

/** Throws TG_MESSAGE_INVALID where the payload is given twice. */
export function messageOf(input: InputMessage, now: number, init: MessageInit = {}): Message {
  const { key = null, headers, meta, timestamp = now } = input;
  return new Message(payloadOf(input), {
    key,
    ...(headers === undefined ? {} : { headers: Object.entries(headers) satisfies Header[] }),
    ...(meta === undefined ? {} : { meta }),
    timestamp,
    ...init,
  });
}

function payloadOf(input: InputMessage): Buffer {
  const given = (['json', 'text', 'bytes'] as const).filter((name) => input[name] !== undefined);
  if (given.length > 1)
    throw new TidegateError('TG_MESSAGE_INVALID', `an input message has ${given.join(' and ')}; give one of them`);
  if (input.bytes !== undefined) return Buffer.from(input.bytes);
  return Buffer.from(input.text ?? (input.json === undefined ? '' : JSON.stringify(input.json)));
}

export function outputOf(message: Message): OutputMessage {
  return new SeenMessage(message);
}

/** Texts are made when they are looked at. */
class SeenMessage implements OutputMessage {
  readonly payload: Buffer;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp: number;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;

  constructor({ payload, key, headers, timestamp, topic, partition, offset }: Message) {
    this.payload = Buffer.from(payload);
    this.key = key === null ? undefined : key.toString();
    this.headers = Object.fromEntries(headers.map(([name, value]) => [name, value === null ? '' : value.toString()]));
    this.timestamp = timestamp;
    if (topic === undefined || offset < 0) return;
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }

  get text(): string {
    return this.payload.toString();
  }

  get json(): unknown {
    try {
      return JSON.parse(this.text);
    } catch {
      return undefined;
    }
  }
}
