import { concatMap, from, Observable, of } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Source } from '../../core/component.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupState, StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { partitionKey } from '../../core/partition-key.ts';
import type { StatefulOperator } from '../../core/stateful-operator.ts';
import { Outgoing } from './outgoing.ts';
import { StatefulPartition } from './partition.ts';
import { PartitionProgress } from './progress.ts';

/** How often it is looked for partitions without records, in milliseconds. */
const IDLE_CHECK = 250;

/** What a stage needs of its pipeline. */
export interface StageHost {
  /** Results join what is in flight. */
  admit(batch: Batch): Batch;
  /** Whether more results may join it. */
  readonly isOpen: boolean;
  /** Emits when more may join. */
  readonly opened$: Observable<void>;
  /** Results that count as one are written in one transaction: what has begun is given out whole, also over the limit. */
  readonly isTransactional?: boolean | undefined;
}

/**
 * An operator with state as a stage of a pipeline. A record that was taken into the state is acked: the offset that is
 * committed moves on, and a note beside it says from where the state is rebuilt. Results are messages of their own.
 */
export class StatefulStage implements GroupState {
  private readonly operator: StatefulOperator;
  private readonly clock: Clock;
  private readonly partitions = new Map<string, StatefulPartition>();
  private outgoing = new Outgoing();
  /** Whether all records of a partition have been handed over, as far as is known. */
  private isAtEnd: (partition: TopicPartition) => boolean = () => false;

  constructor(operator: StatefulOperator, clock: Clock) {
    this.operator = operator;
    this.clock = clock;
  }

  /** Called once, before the source is opened. A source that keeps no state is refused by lint. */
  readFrom(source: Pick<Source, 'keepState'>): void {
    this.isAtEnd = source.keepState?.(this) ?? this.isAtEnd;
  }

  // --- from the group

  assigned(partition: TopicPartition, committed: number, note: StateNote | undefined): number {
    this.end(partition, 'ready');
    const progress = new PartitionProgress(committed, note);
    const opened = new StatefulPartition(this.operator, partition, progress, this.outgoing, this.clock.elapsed());
    this.partitions.set(partitionKey(partition), opened);
    return progress.start;
  }

  note(partition: TopicPartition, committable: number): StateNote | undefined {
    return this.partitions.get(partitionKey(partition))?.progress.note(committable);
  }

  revoked(partition: TopicPartition): void {
    this.end(partition, 'lost');
  }

  private end(partition: TopicPartition, fate: 'lost' | 'ready'): void {
    const key = partitionKey(partition);
    const ended = this.partitions.get(key);
    if (ended !== undefined) ended.fate = fate;
    this.partitions.delete(key);
  }

  // --- the flow

  apply(batches$: Observable<Batch>, host: StageHost): Observable<Batch> {
    return new Observable((subscriber) => {
      this.outgoing = new Outgoing();
      this.partitions.clear();
      const pump = () => {
        while (host.isOpen || (host.isTransactional === true && this.outgoing.hasBegun)) {
          const results = this.outgoing.next();
          if (results === undefined) return;
          subscriber.next(host.admit(results));
        }
      };
      const taken$ = batches$.pipe(
        concatMap((batch) => {
          const taken = this.takeAll(batch.messages, 0);
          return taken instanceof Promise ? from(taken) : of(undefined);
        }),
      );
      const subscription = taken$.subscribe({
        next: pump,
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      subscription.add(host.opened$.subscribe(pump));
      subscription.add(this.watchIdle(host, pump));
      return subscription;
    });
  }

  private takeAll(messages: readonly Message[], start: number): undefined | Promise<void> {
    for (let at = start; at < messages.length; at += 1) {
      const message = messages[at] as Message;
      if (message.isSettled) continue;
      const taken = this.take(message);
      if (taken instanceof Promise) return taken.then(() => this.takeAll(messages, at + 1));
    }
    return undefined;
  }

  private take(message: Message): undefined | Promise<void> {
    const { topic = '', partition: index } = message;
    const partition = this.partitions.get(partitionKey({ topic, partition: index }));
    // Its partition is another gateway's by now, which reads it as well.
    if (partition === undefined) {
      message.ack('filtered');
      return undefined;
    }
    partition.seenAt = this.clock.elapsed();
    try {
      const taken = partition.take(message);
      if (taken instanceof Promise)
        return taken.then(
          () => message.ack(),
          (error: unknown) => fail(message, error),
        );
      message.ack();
    } catch (error) {
      fail(message, error);
    }
    return undefined;
  }

  /** A partition at its end without new records follows the clock, as far behind it as it had to be idle. */
  private watchIdle(host: StageHost, pump: () => void): () => void {
    const { idle, lateness } = this.operator;
    if (idle === undefined) return () => {};
    let cancel = () => {};
    const check = () => {
      const now = this.clock.elapsed();
      // While the pipeline has no room its source is paused, and what came meanwhile is not known.
      for (const partition of host.isOpen ? this.partitions.values() : [])
        if (now - partition.seenAt >= idle && this.isAtEnd(partition.place))
          partition.moveTo(this.clock.now() - idle - lateness);
      pump();
      cancel = this.clock.after(IDLE_CHECK, check);
    };
    cancel = this.clock.after(IDLE_CHECK, check);
    return () => cancel();
  }
}

function fail(message: Message, error: unknown): void {
  message.nack(asTidegateError(error, 'TG_PROCESSOR_FAILED'));
}
