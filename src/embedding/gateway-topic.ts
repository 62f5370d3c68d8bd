import type { Observable } from 'rxjs';
import type { TopicRecord } from '../assembly/topic-record.ts';
import type { Header } from '../core/headers.ts';
import type { Position } from '../core/topic-request.ts';

/** Text is written as UTF-8. */
export type NewValue = string | Uint8Array | null;

/** A record to be written. Text is written as UTF-8. */
export interface NewRecord {
  /** null: a tombstone, which needs a key. */
  readonly value: string | Uint8Array | null;
  /** Records of one key go to one partition, where Kafka's own clients put them; those without one go to all in turn. */
  readonly key?: string | Uint8Array | null;
  /** An object of values by name, or a list of [name, value], where a name may occur several times. null: a header without a value. */
  readonly headers?: Readonly<Record<string, NewValue>> | Iterable<Header<NewValue>>;
  /** Milliseconds since the epoch; now where it is left out. */
  readonly timestamp?: number;
}

/** Where a record stands. */
export type RecordPosition = Position;

/** A topic, as the program that runs the gateway uses it. */
export interface GatewayTopic {
  readonly name: string;
  /**
   * Every record that comes from now on, on whichever gateway or program it was written, in order within its partition.
   * Reading begins with the first subscription once the gateway is started, at the end of the topic as it is then, and
   * ends with the last; a topic that comes later is read from its first record. The event `consumer-ready` tells when
   * nothing is missed any more. It never fails: reading that breaks off goes on where it was. It completes when the
   * gateway stops.
   */
  readonly records$: Observable<TopicRecord>;
  /**
   * Writes a record; resolves once the log has it (acks=all), however long that takes. Records of one caller keep their
   * order within a partition. Rejects with a `TidegateError`: TG_RECORD_TOO_LARGE, TG_TOPIC_MISSING and the like where the
   * log refuses it, TG_STOPPING where the gateway stopped before the outcome was known, TG_LIMIT_REACHED where 16,384
   * records or 64 MiB are on their way already, TG_NOT_RUNNING, TG_MESSAGE_INVALID.
   */
  publish(record: NewRecord): Promise<RecordPosition>;
}
