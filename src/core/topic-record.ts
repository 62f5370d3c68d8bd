import type { Header } from './headers.ts';
import type { Message } from './message.ts';

/** A record as it is stored in a topic. The bytes are views of what was fetched: copy what is kept for long. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** null: a tombstone. */
  readonly value: Buffer | null;
  /** In their order; one name may be there several times. null: a header without a value. */
  readonly headers: readonly Header<Buffer | null>[];
}

/** `message` is one that a reader gave. */
export function recordOf(message: Message): TopicRecord {
  const { topic = '', partition, offset, timestamp, key, payload, headers, meta } = message;
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key === null ? null : bytesOf(key),
    value: meta.tombstone === true ? null : payload,
    headers: headers.map(([name, header]) => [name, header === null ? null : bytesOf(header)]),
  };
}

function bytesOf(value: string | Buffer): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value;
}
