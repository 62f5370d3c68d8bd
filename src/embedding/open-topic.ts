import { Observable, type Subject, share, takeUntil } from 'rxjs';
import { Follower } from '../actors/follower.ts';
import { recordOf, type TopicRecord } from '../assembly/topic-record.ts';
import type { Batch } from '../core/batch.ts';
import type { AssembledGateway } from '../gateway.ts';
import type { GatewayTopic } from './gateway-topic.ts';
import type { Publishing } from './publishing.ts';

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
