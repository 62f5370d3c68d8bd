import { isUtf8 } from 'node:buffer';
import type { Effect, Frame, Message } from '../sdk/index.ts';

/** What somebody said to everyone: a record of the topic behind rooms and chats, written as JSON. */
export interface Said<Content = unknown> {
  /** Name of the member, or null where another producer wrote a record without a key. */
  readonly from: string | null;
  readonly message: Content;
  /** ISO 8601, in UTC where this gateway wrote it. */
  readonly timestamp: string;
}

/** ECMAScript's last millisecond. */
const MAX_TIME = 8_640_000_000_000_000;

/**
 * Publishes what a member said, keyed by its name, so that its messages keep their order. Throws RangeError where
 * `message` is nested so deeply that JSON.stringify runs out of stack.
 */
export function publishSaid(from: string, message: unknown, now: number): Effect {
  const said: Said = { from, message, timestamp: iso(now) };
  return {
    type: 'publish',
    message: { payload: Buffer.from(JSON.stringify(said)), json: said, key: from, timestamp: now },
  };
}

/**
 * The text frame of a record; null for a tombstone. `write` gets what a member said. A record of any other producer
 * goes to `writeForeign`, with its text for a message; bytes that are no UTF-8 are replaced by U+FFFD, because a text
 * frame that held them would cost every client its connection (RFC 6455 8.1).
 */
export function recordFrame(
  record: Message,
  now: number,
  write: (said: Said) => string,
  writeForeign: (said: Said<string>) => string = write,
): Frame | null {
  if (record.meta.tombstone === true) return null;
  const said = readSaid(record);
  if (said !== undefined) {
    try {
      return text(write(said));
    } catch (error) {
      // JSON.parse reads what is nested too deeply for JSON.stringify; as plain text it can still be told.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return text(
    writeForeign({
      from: record.key === null ? null : record.key.toString(),
      message: record.text,
      timestamp: iso(isTime(record.timestamp) ? record.timestamp : now),
    }),
  );
}

export function droppedText(count: number): string {
  return `${count} ${count === 1 ? 'message was' : 'messages were'} dropped because this client reads too slowly`;
}

export function text(data: string): Frame {
  return { data, binary: false };
}

function readSaid(record: Message): Said | undefined {
  if (record.payload[0] !== 0x7b || !isUtf8(record.payload)) return undefined;
  try {
    const { from, message, timestamp } = record.json as { readonly [K in keyof Said]?: unknown };
    if (typeof from !== 'string' || message === undefined || typeof timestamp !== 'string') return undefined;
    return { from, message, timestamp };
  } catch {
    return undefined;
  }
}

/** Other producers write -1 for "none", or micro- and nanoseconds, which Date does not know. */
function isTime(milliseconds: number): boolean {
  return milliseconds > 0 && milliseconds <= MAX_TIME;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
