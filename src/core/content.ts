import { reasonOf, TidegateError } from './errors.ts';
import { parseExact, writeJson } from './exact-number.ts';
import { type Header, type Headers, NO_HEADERS } from './headers.ts';
import { mayRound } from './may-round.ts';

/** A fixed charge per message for its objects, so that a million empty messages do not count as nothing. */
const OVERHEAD_BYTES = 256;

/** Facts about where a message came from, shared by all messages of one connection or partition; never per message. */
export type Meta = Readonly<Record<string, unknown>>;

/** Content of a message that a codec publishes; the connection adds where it came from. */
export interface CodecMessage {
  readonly payload: Buffer;
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
  readonly json?: unknown;
  readonly timestamp?: number;
  readonly traceparent?: string;
  /** What is called, in protocols with calls: expressions see it as `meta.method`. */
  readonly method?: string;
  /** A parsed frame whose fields may say its trace and baggage by the names of headers, in place of `traceparent`. */
  readonly fields?: object;
}

export interface ContentInit {
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
  readonly meta?: Meta;
  /** Milliseconds since the epoch; 0 means "now, when it is written". */
  readonly timestamp?: number;
  /** Parsed payload, where the maker has it anyway. */
  readonly json?: unknown;
}

/** What `derive` makes anew; the rest stays as it is. */
export interface Changes extends Omit<ContentInit, 'json'> {
  readonly payload?: Buffer;
  readonly json?: unknown;
  /** What JSON.parse gives for `payload`, where that is known. */
  readonly parsed?: unknown;
}

/** What a part of a split message has of its own. */
export interface Part extends Pick<ContentInit, 'key' | 'headers'> {
  readonly payload: Buffer;
}

const NO_META: Meta = Object.freeze({});
const NOT_PARSED = Symbol('not parsed');

/** One payload with key, headers and facts about its origin. It is never changed in place, but for a key that was missing. */
export class Content {
  readonly payload: Buffer;
  key: string | Buffer | null;
  readonly headers: Headers;
  readonly meta: Meta;
  readonly timestamp: number;
  private parsed: unknown;
  protected exact: unknown = NOT_PARSED;

  /**
   * Plugins are not all checked by a compiler, and what no record can hold would fail where it is written, with the messages of
   * others in the same batch. Throws a TypeError.
   */
  constructor(payload: Buffer, init: ContentInit) {
    const { key = null } = init;
    if (!(payload instanceof Buffer)) throw mistaken('payload', 'a Buffer', payload);
    if (key !== null && typeof key !== 'string' && !(key instanceof Buffer))
      throw mistaken('key', 'text, a Buffer or null', key);
    this.payload = payload;
    this.key = key;
    this.headers = init.headers === undefined ? NO_HEADERS : checked(init.headers);
    this.meta = init.meta ?? NO_META;
    this.timestamp = init.timestamp ?? 0;
    // No JSON text has the value undefined.
    this.parsed = init.json === undefined ? NOT_PARSED : init.json;
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
      this.exact = mayRound(this.payload) ? parseExact(this.text, plainJson) : plainJson;
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

  /** The value of the payload, where it is known already. */
  protected get known(): unknown {
    return this.parsed === NOT_PARSED ? undefined : this.parsed;
  }

  /** The value of the payload is parsed anew when it is asked for again. Until then it need not be kept in memory. */
  forgetValue(): void {
    this.parsed = NOT_PARSED;
    this.exact = NOT_PARSED;
  }

  get text(): string {
    return this.payload.toString('utf8');
  }

  /** A record without a value, such as those that delete a key of a compacted topic; not one that got a value since. */
  get isTombstone(): boolean {
    return this.meta.tombstone === true && this.payload.length === 0;
  }

  /** What it counts for at a gate: payload, key, headers and a fixed overhead, in bytes. */
  get size(): number {
    let size = this.payload.length + OVERHEAD_BYTES;
    if (this.key !== null) size += this.key.length;
    for (let index = 0; index < this.headers.length; index += 1) {
      const header = this.headers[index] as Header;
      size += header[0].length + (header[1] === null ? 0 : header[1].length);
    }
    return size;
  }
}

/** Throws TG_PROCESSOR_FAILED for a value that JSON cannot express. */
export function jsonPayload(json: unknown): Buffer {
  const text = writeJson(json);
  if (text !== undefined) return Buffer.from(text);
  throw new TidegateError('TG_PROCESSOR_FAILED', `derive was given ${typeof json} for json, which JSON cannot express`);
}

export function copiedKey(key: string | Buffer | null): string | Buffer | null {
  return Buffer.isBuffer(key) ? copyOf(key) : key;
}

export function copiedHeaders(headers: Headers): Headers {
  return headers.map(([name, value]) => [name, Buffer.isBuffer(value) ? copyOf(value) : value]);
}

/** Not from Node's pool, whose chunks have up to 64 KiB themselves. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function notJson(error: unknown): TidegateError {
  const what = error instanceof RangeError ? 'is nested too deeply' : 'is not JSON';
  return new TidegateError('TG_MESSAGE_INVALID', `the payload ${what}: ${reasonOf(error)}`, error);
}

/** An object in place of the list would go without any of its headers. */
function checked(headers: Headers): Headers {
  if (headers === NO_HEADERS) return headers;
  if (!Array.isArray(headers)) throw mistaken('headers', 'a list of [name, value] pairs', headers);
  for (let index = 0; index < headers.length; index += 1) {
    const header = headers[index] as Header | undefined;
    if (header === undefined || typeof header[0] !== 'string')
      throw mistaken('headers', 'a list of [name, value] pairs');
    const value = header[1];
    if (value !== null && typeof value !== 'string' && !(value instanceof Buffer))
      throw mistaken(`header "${header[0]}"`, 'text, a Buffer or null', value);
  }
  return headers;
}

/** Throws a TypeError for what cannot be written as the time of a record. */
export function checkTime(timestamp: unknown): void {
  if (!Number.isInteger(timestamp)) throw mistaken('timestamp', 'whole milliseconds', timestamp);
}

function mistaken(part: string, wanted: string, given?: unknown): TypeError {
  const shown = given === undefined ? '' : `, and not ${kindOf(given)}`;
  return new TypeError(`the ${part} of a message must be ${wanted}${shown}`);
}

function kindOf(given: unknown): string {
  if (given === null) return 'null';
  return typeof given === 'number' ? `the number ${given}` : `a value of type ${typeof given}`;
}

/** The same in memory of its own. */
export function copiedContent({ payload, key, headers }: Content): Changes {
  return { payload: copyOf(payload), key: copiedKey(key), headers: copiedHeaders(headers) };
}
