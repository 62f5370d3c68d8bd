import { concatMap, from, Observable, of } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Source } from '../../core/component.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupState, StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { partitionKey } from '../../core/partition-key.ts';
import type { JoiningOperator, Side, StatefulOperator } from '../../core/stateful-operator.ts';
import { Outgoing } from './outgoing.ts';
import { Pair } from './pair.ts';
import { PairSide } from './pair-side.ts';
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
}

/** A partition of the group with the operator's state in it. */
type Assigned = StatefulPartition | PairSide;

/**
 * An operator with state as a stage of a pipeline. A record that was taken into the state is acked: the offset that is
 * committed moves on, and a note beside it says from where the state is rebuilt. Results are messages of their own.
 */
export class StatefulStage implements GroupState {
  readonly coPartitioned: boolean;
  private readonly operator: StatefulOperator | JoiningOperator;
  private readonly clock: Clock;
  private readonly partitions = new Map<string, Assigned>();
  /** By the number of their partitions. */
  private readonly pairs = new Map<number, Pair>();
  /** Hands results on, as far as there is room. */
  private pump: () => void = () => {};
  private outgoing = new Outgoing();
  /** Whether all records of a partition have been handed over, as far as is known. */
  private isAtEnd: (partition: TopicPartition) => boolean = () => false;

  constructor(operator: StatefulOperator | JoiningOperator, clock: Clock) {
    this.operator = operator;
    this.coPartitioned = 'pair' in operator;
    this.clock = clock;
  }

  /** Called once, before the source is opened. A source that keeps no state is refused by lint. */
  readFrom(source: Pick<Source, 'keepState'>): void {
    this.isAtEnd = source.keepState?.(this) ?? this.isAtEnd;
  }

  // --- from the group

  assigned(partition: TopicPartition, committed: number, note: StateNote | undefined): number {
    const progress = new PartitionProgress(committed, note);
    const { operator } = this;
    const now = this.clock.elapsed();
    const opened =
      'pair' in operator
        ? this.paired(operator, partition, { committed, progress }, now)
        : new StatefulPartition(operator, partition, progress, this.outgoing, now);
    this.partitions.set(partitionKey(partition), opened);
    return progress.start;
  }

  /** Of a partition that the flow does not have, nothing. */
  committable(partition: TopicPartition, settled: number): number | undefined {
    return this.partitions.get(partitionKey(partition))?.mayCommit(settled);
  }

  note(partition: TopicPartition, committable: number): StateNote | undefined {
    return this.partitions.get(partitionKey(partition))?.note(committable);
  }

  revoked(partition: TopicPartition): void {
    const key = partitionKey(partition);
    const opened = this.partitions.get(key);
    this.partitions.delete(key);
    if (!(opened instanceof PairSide)) return;
    const pair = this.pairs.get(partition.partition);
    pair?.revoked(opened.side);
    if (pair?.isEmpty === true) this.pairs.delete(partition.partition);
  }

  // --- the flow

  apply(batches$: Observable<Batch>, host: StageHost): Observable<Batch> {
    return new Observable((subscriber) => {
      this.outgoing = new Outgoing();
      this.partitions.clear();
      this.pairs.clear();
      const pump = () => {
        while (host.isOpen) {
          const results = this.outgoing.next();
          if (results === undefined) return;
          subscriber.next(host.admit(results));
        }
      };
      this.pump = pump;
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
      subscription.add(() => {
        this.pump = () => {};
      });
      return subscription;
    });
  }

  private paired(
    operator: JoiningOperator,
    place: TopicPartition,
    from: { readonly committed: number; readonly progress: PartitionProgress },
    now: number,
  ): PairSide {
    const { partition } = place;
    // Results may be there while the group commits, which is no time to hand them on.
    const wake = () => this.clock.after(0, () => this.pump());
    const pair = this.pairs.get(partition) ?? new Pair(operator, this.outgoing, wake);
    this.pairs.set(partition, pair);
    const side: Side = place.topic === operator.topics.left ? 'left' : 'right';
    const opened = new PairSide(pair, side, { place, ...from }, now);
    pair.assigned(opened);
    return opened;
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
    // Its partition is another gateway's by now, or is read from elsewhere here: it is read again.
    if (partition === undefined || message.isRevoked) {
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
