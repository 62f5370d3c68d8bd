import type { Headers } from '../../core/headers.ts';

/** The part of a record that a transform works on: its class ends in `$Key` or `$Value`. */
export type Part = 'key' | 'value';

/**
 * A record as transforms see it (org.apache.kafka.connect.connector.ConnectRecord), without schemas. Keys and values are
 * values of JSON, whose numbers keep their digits as ExactNumbers where a double would change them, or Buffers. These are
 * never changed in place. The record itself is: it belongs to the chain that made it of a message.
 */
export interface TransformRecord {
  topic: string;
  /** undefined: not chosen yet, as for records of a source. */
  readonly partition: number | undefined;
  /** Only records of a sink have one. */
  readonly offset: number | undefined;
  key: unknown;
  /** null: a tombstone. */
  value: unknown;
  headers: Headers;
  /** Milliseconds since the epoch; undefined: none. */
  readonly timestamp: number | undefined;
}

/** Changes the record and gives it, or null for one that ends here. Throws TG_MESSAGE_INVALID. */
export type Transform = (record: TransformRecord) => TransformRecord | null;

export type Predicate = (record: TransformRecord) => boolean;
