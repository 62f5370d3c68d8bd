import { reasonOf, TidegateError } from './errors.ts';
import { parseExact, writeJson } from './exact-number.ts';
import { type Header, type Headers, NO_HEADERS } from './headers.ts';

/** A fixed charge per message for its objects, so that a million empty messages do not count as nothing. */
const OVERHEAD_BYTES = 256;

/** Facts about where a message came from, shared by all messages of one connection or partition; never per message. */
export type Meta = Readonly<Record<string, unknown>>;

/** Position of a message in a trace: W3C trace context as it travels in headers. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/**
 * What became of a message that is done:
 * - `stored`: the sink has it; of a topic, the log has it
 * - `filtered`: a processor ended it on purpose, it is nowhere
 * - `dead_letter`: it failed for good, and the dead-letter topic has it
 */
export type Outcome = 'stored' | 'filtered' | 'dead_letter';

/** The client that sent a message. */
export interface Sender {
  readonly clientId: string;
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** Gets told exactly once what became of a message. `failure` is null when the message was acked, see its `outcome`. */
export interface SettleTarget {
  /** Where messages come from a client. */
  readonly sender?: Sender;
  /** Where messages come from a WebSocket server: its URL, without secrets. */
  readonly shownUrl?: string;
  settled(message: Message, failure: TidegateError | null): void;
}

/** Watches messages between a pipeline's gate and their settling. */
export interface Flight {
  /** The last chance of a message that failed: true when the flight took it over, by `derive`, to settle it later. */
  rescue(message: Message, failure: TidegateError): boolean;
  landed(message: Message, failure: TidegateError | null): void;
}

/** Content of a message that a codec publishes; the connection adds where it came from. */
export interface CodecMessage {
  readonly payload: Buffer;
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
  readonly json?: unknown;
  readonly timestamp?: number;
  readonly traceparent?: string;
}

export interface MessageInit {
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
  readonly meta?: Meta;
  /** Milliseconds since the epoch; 0 means "now, when it is written". */
  readonly timestamp?: number;
  readonly trace?: TraceContext;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** Parsed payload, where the maker has it anyway. */
  readonly json?: unknown;
  readonly target?: SettleTarget;
  /** Whatever the target needs to find its own record of the message again. */
  readonly token?: number;
}

const NO_META: Meta = Object.freeze({});
const NOT_PARSED = Symbol('not parsed');

/**
 * One payload with key, headers and facts about its origin. It is settled (acked or nacked) exactly once;
 * `derive` and `split` hand that duty on. Content is never changed in place.
 */
export class Message {
  readonly payload: Buffer;
  key: string | Buffer | null;
  readonly headers: Headers;
  readonly meta: Meta;
  readonly timestamp: number;
  trace: TraceContext | undefined;
  /** Where the message stands in the log: set by a reader, or by the lane once the log has it. -1: nowhere yet. */
  topic: string | undefined;
  partition: number;
  offset: number;
  readonly token: number;
  /** The message as its source gave it, where processors derived this one from it. A dead letter carries that. */
  source: Message | undefined;
  /** Set by the pipeline that admitted the message, with what it counted for at the gate, in bytes. */
  flight: Flight | undefined;
  cost: number;
  /** The handshake's or message's span, while this process records one. Opaque outside telemetry. */
  span: unknown;
  /** What became of it, or what an ack will mean. Says nothing about a message that was nacked. */
  outcome: Outcome = 'stored';
  /** Why its codec refused the frame that it is. Its pipeline makes a dead letter of it and nothing else. */
  refusal: TidegateError | undefined;
  private target: SettleTarget | undefined;
  /** Whether `key` was assigned on the way, to a message that came without one. */
  private isKeyAssigned = false;
  private open = true;
  /** The message that took over the duty to settle. */
  private successor: Message | undefined;
  private parsed: unknown;
  private exact: unknown = NOT_PARSED;

  constructor(payload: Buffer, init: MessageInit = {}) {
    this.payload = payload;
    this.key = init.key ?? null;
    this.headers = init.headers === undefined ? NO_HEADERS : checked(init.headers);
    this.meta = init.meta ?? NO_META;
    this.timestamp = init.timestamp ?? 0;
    this.trace = init.trace;
    this.topic = init.topic;
    this.partition = init.partition ?? -1;
    this.offset = init.offset ?? -1;
    this.token = init.token ?? 0;
    this.source = undefined;
    this.flight = undefined;
    this.cost = 0;
    this.span = undefined;
    this.refusal = undefined;
    this.target = init.target;
    this.parsed = 'json' in init ? init.json : NOT_PARSED;
  }

  /**
   * The payload as JSON, parsed when first asked for. A number that a double would change is an ExactNumber, so that it
   * is written as it came and never computed with in silence. Throws TG_MESSAGE_INVALID when the payload is not JSON, or
   * where such a number lies thousands of levels deep.
   */
  get json(): unknown {
    if (this.exact !== NOT_PARSED) return this.exact;
    const { plainJson } = this;
    try {
      this.exact = parseExact(this.text, plainJson);
      return this.exact;
    } catch (error) {
      throw notJson(error);
    }
  }

  /** The payload as JSON.parse gives it, for code that reads none of its numbers. Throws TG_MESSAGE_INVALID. */
  get plainJson(): unknown {
    if (this.parsed !== NOT_PARSED) return this.parsed;
    try {
      this.parsed = JSON.parse(this.text);
      return this.parsed;
    } catch (error) {
      throw notJson(error);
    }
  }

  /** The key that the source gave, whatever was assigned since. */
  get sourceKey(): string | Buffer | null {
    const original = this.source ?? this;
    return original.isKeyAssigned ? null : original.key;
  }

  get text(): string {
    return this.payload.toString('utf8');
  }

  /** A record without a value, such as those that delete a key of a compacted topic; one that got a value since is none. */
  get isTombstone(): boolean {
    return this.meta.tombstone === true && this.payload.length === 0;
  }

  /** What the message counts for at a gate: payload, key, headers and a fixed overhead, in bytes. */
  get size(): number {
    let size = this.payload.length + OVERHEAD_BYTES;
    if (this.key !== null) size += this.key.length;
    for (let index = 0; index < this.headers.length; index += 1) {
      const header = this.headers[index] as Header;
      size += header[0].length + (header[1] === null ? 0 : header[1].length);
    }
    return size;
  }

  get isSettled(): boolean {
    return this.successor === undefined ? !this.open : this.successor.isSettled;
  }

  /** The client that sent it; undefined where it came from elsewhere. */
  get sender(): Sender | undefined {
    return this.target?.sender;
  }

  /** The WebSocket server that sent it, as a URL without secrets; undefined where it came from elsewhere. */
  get shownUrl(): string | undefined {
    return this.target?.shownUrl;
  }

  /** The message arrived where it should, or, by its outcome, was meant to go nowhere. */
  ack(outcome: Outcome = 'stored'): void {
    this.settle(null, outcome);
  }

  /** The message did not arrive; `failure.retryable` says whether sending it again makes sense. */
  nack(failure: TidegateError): void {
    this.settle(failure, 'stored');
  }

  /** A message with other content that takes over the duty to settle: settle the new one, never this one. */
  derive(
    changes: Partial<Pick<MessageInit, 'key' | 'headers' | 'timestamp'>> & { payload?: Buffer; json?: unknown },
  ): Message {
    const payload = changes.payload ?? ('json' in changes ? jsonPayload(changes.json) : this.payload);
    const next = new Message(payload, {
      key: changes.key === undefined ? this.key : changes.key,
      headers: changes.headers ?? this.headers,
      meta: this.meta,
      timestamp: changes.timestamp ?? this.timestamp,
      trace: this.trace,
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      target: this.target,
      token: this.token,
      ...('json' in changes
        ? { json: changes.json }
        : this.parsed !== NOT_PARSED && changes.payload === undefined
          ? { json: this.parsed }
          : {}),
    });
    next.source = this.source ?? this;
    next.flight = this.flight;
    next.cost = this.cost;
    next.span = this.span;
    next.outcome = this.outcome;
    // Whoever has the duty now hands it on: this message, or one derived from it by a try that failed.
    let holder: Message = this;
    while (holder.successor !== undefined) holder = holder.successor;
    next.open = holder.open;
    holder.open = false;
    holder.successor = next;
    return next;
  }

  /** The message with that key: itself where nothing is lost by it (it had no key to remember), else a derived one. */
  withKey(key: string | Buffer | null): Message {
    if (this.key !== null && this.key !== key) return this.derive({ key });
    if (this.key !== key) {
      this.key = key;
      this.isKeyAssigned = true;
    }
    return this;
  }

  /** Several messages in place of one, which settles when all of them have; one nack is enough to nack it. */
  split(parts: readonly { payload: Buffer; key?: string | Buffer | null; headers?: Headers }[]): Message[] {
    if (parts.length === 0) {
      this.ack('filtered');
      return [];
    }
    const whole = new Whole(this, parts.length);
    return parts.map((part) => {
      const message = new Message(part.payload, {
        key: part.key === undefined ? this.key : part.key,
        headers: part.headers ?? this.headers,
        meta: this.meta,
        timestamp: this.timestamp,
        trace: this.trace,
        topic: this.topic,
        partition: this.partition,
        offset: this.offset,
        target: whole,
      });
      message.source = this.source ?? this;
      message.span = this.span;
      return message;
    });
  }

  /** The same message with its bytes copied out of the read chunk they came in: 200 bytes kept pin 64 KiB otherwise. */
  detached(): Message {
    if (this.payload.length * 2 >= this.payload.buffer.byteLength) return this;
    const detached = this.derive({
      payload: copyOf(this.payload),
      key: Buffer.isBuffer(this.key) ? copyOf(this.key) : this.key,
      headers: copied(this.headers),
    });
    // It says the same as this one; to remember this one as its source would keep the chunk after all.
    detached.source = this.source;
    detached.isKeyAssigned = this.isKeyAssigned;
    return detached;
  }

  private settle(failure: TidegateError | null, outcome: Outcome): void {
    if (!this.open) {
      this.successor?.settle(failure, outcome);
      return;
    }
    // A dead letter stays one, though the log stores it.
    if (outcome !== 'stored') this.outcome = outcome;
    if (failure !== null && this.flight?.rescue(this, failure)) return;
    this.open = false;
    this.flight?.landed(this, failure);
    this.target?.settled(this, failure);
  }
}

function jsonPayload(json: unknown): Buffer {
  const text = writeJson(json);
  if (text !== undefined) return Buffer.from(text);
  throw new TidegateError('TG_PROCESSOR_FAILED', `derive was given ${typeof json} for json, which JSON cannot express`);
}

function notJson(error: unknown): TidegateError {
  const what = error instanceof RangeError ? 'is nested too deeply' : 'is not JSON';
  return new TidegateError('TG_MESSAGE_INVALID', `the payload ${what}: ${reasonOf(error)}`, error);
}

/** Plugins are not all checked by a compiler, and an object in place of the list would go without any of its headers. */
function checked(headers: Headers): Headers {
  if (Array.isArray(headers)) return headers;
  throw new TypeError('the headers of a message must be a list of [name, value] pairs');
}

function copied(headers: Headers): Headers {
  return headers.map(([name, value]) => [name, Buffer.isBuffer(value) ? copyOf(value) : value]);
}

/** Not from Node's pool, whose chunks have up to 64 KiB themselves. */
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Counts the parts of a split message down. */
class Whole implements SettleTarget {
  private readonly message: Message;
  private missing: number;
  private failure: TidegateError | null = null;
  /** Of several outcomes the whole has the one that leaves the most: a part that is stored makes it stored. */
  private outcome: Outcome = 'filtered';

  constructor(message: Message, parts: number) {
    this.message = message;
    this.missing = parts;
  }

  settled(part: Message, failure: TidegateError | null): void {
    this.failure ??= failure;
    if (part.outcome === 'stored') this.outcome = 'stored';
    this.missing -= 1;
    if (this.missing > 0) return;
    if (this.failure === null) this.message.ack(this.outcome);
    else this.message.nack(this.failure);
  }
}
