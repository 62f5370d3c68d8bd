import { Observable, type Subject, share, takeUntil } from 'rxjs';
import { Follower } from '../actors/follower.ts';
import { recordOf, type TopicRecord } from '../assembly/topic-record.ts';
import type { Batch } from '../core/batch.ts';
import type { AssembledGateway } from '../gateway.ts';
import type { NewRecord, Publishing, RecordPosition } from './publishing.ts';

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

/** `stopping`: emits when reading is to end. */
export function createTopic(
  gateway: AssembledGateway,
  name: string,
  publishing: Publishing,
  stopping: Subject<void>,
): GatewayTopic {
  return {
    name,
    records$: recordsOf(gateway, name).pipe(takeUntil(stopping), share()),
    publish: (record) => publishing.publish(name, record),
  };
}

function recordsOf(gateway: AssembledGateway, name: string): Observable<TopicRecord> {
  const { log, clock, stats } = gateway.workshop;
  return new Observable((subscriber) => {
    const next = (batch: Batch) => {
      stats.counter('tidegate_records_consumed_total', { topic: name }).value += batch.length;
      for (const message of batch.messages) subscriber.next(recordOf(message));
    };
    const follower = new Follower({
      log,
      topics: [name],
      from: 'latest',
      logger: gateway.workshop.scoped('topic', { topic: name }),
      clock,
      next,
    });
    if (gateway.phase === 'stopped') subscriber.complete();
    void gateway.prepared.then((isPrepared) => {
      if (isPrepared && !subscriber.closed) follower.open();
    });
    return () => void follower.close();
  });
}
