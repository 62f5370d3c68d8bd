import { isUtf8 } from 'node:buffer';
import { type Effect, type Frame, JsonPath, type Message } from '../sdk/index.ts';

/** A message of a member to all members: a record of the topic behind rooms and chats, written as JSON. */
export interface RoomMessage<Content = unknown> {
  /** Name of the member, or null where another producer wrote a record without a key. */
  readonly from: string | null;
  readonly message: Content;
  /** `message` as the JSON that came, with every digit. */
  readonly json: string;
  /** ISO 8601, in UTC where this gateway wrote it. */
  readonly timestamp: string;
}

/** ECMAScript's last millisecond. */
const MAX_TIME = 8_640_000_000_000_000;

/** Publishes a member's message, keyed by its name to keep the order of its messages. `json`: the message as JSON. */
export function publishRoomMessage(from: string, message: unknown, json: string, now: number): Effect {
  const timestamp = iso(now);
  const payload = Buffer.from(`{"from":${JSON.stringify(from)},"message":${json},"timestamp":"${timestamp}"}`);
  return { type: 'publish', message: { payload, json: { from, message, timestamp }, key: from, timestamp: now } };
}

/**
 * The text frame of a record; null for a tombstone. `write` is for messages of members. Records of other producers go to
 * `writeForeign`, with their text as the message; bytes that are not UTF-8 are replaced by U+FFFD, because clients close
 * the connection on a text frame that has them (RFC 6455 8.1).
 */
export function recordFrame(
  record: Message,
  now: number,
  write: (message: RoomMessage) => string,
  writeForeign: (message: RoomMessage<string>) => string = write,
): Frame | null {
  if (record.meta.tombstone === true) return null;
  const message = readRoomMessage(record);
  if (message !== undefined) return text(write(message));
  return text(
    writeForeign({
      from: record.key === null ? null : record.key.toString(),
      message: record.text,
      json: JSON.stringify(record.text),
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

const MESSAGE = new JsonPath(['message']);

function readRoomMessage(record: Message): RoomMessage | undefined {
  if (record.payload[0] !== 0x7b || !isUtf8(record.payload)) return undefined;
  try {
    const { from, message, timestamp } = record.plainJson as {
      readonly [K in 'from' | 'message' | 'timestamp']?: unknown;
    };
    if (typeof from !== 'string' || message === undefined || typeof timestamp !== 'string') return undefined;
    return { from, message, json: MESSAGE.textIn(record.payload) ?? 'null', timestamp };
  } catch {
    return undefined;
  }
}

/** Other producers write -1 for "none", or micro- and nanoseconds, which Date does not take. */
function isTime(milliseconds: number): boolean {
  return milliseconds > 0 && milliseconds <= MAX_TIME;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
