import { concatMap, from, Observable, of } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Source } from '../../core/component.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { GroupState, StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { partitionKey } from '../../core/partition-key.ts';
import type { JoiningOperator, Side, StatefulOperator, Taken } from '../../core/stateful-operator.ts';
import { ProcessorFailure } from '../processor-failure.ts';
import type { StageMetrics } from './metrics.ts';
import { Outgoing } from './outgoing.ts';
import { Pair } from './pair.ts';
import { PairSide } from './pair-side.ts';
import { StatefulPartition } from './partition.ts';
import { PartitionProgress } from './progress.ts';
import { Pump } from './pump.ts';

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
  private readonly metrics: StageMetrics | undefined;
  /** Where it is in the configuration of its pipeline, as `processors[0].window`; its label where it has one. */
  private readonly place: string;
  private readonly partitions = new Map<string, Assigned>();
  /** By the number of their partitions. */
  private readonly pairs = new Map<number, Pair>();
  /** Hands results on, as far as there is room. */
  private handOn: () => void = () => {};
  /** Ends the flow with what the operator has thrown where no record is to fail. */
  private broken: (error: unknown) => void = () => {};
  private outgoing = new Outgoing();
  /** Milliseconds since it was seen that a partition has no more records than those that are settled; undefined: it has. */
  private sinceEnd: (partition: TopicPartition) => number | undefined = () => 0;
  /** Without a group nothing is committed: a partition is known by its first record, and nothing is read again. */
  private hasGroup = true;

  constructor(operator: StatefulOperator | JoiningOperator, clock: Clock, metrics?: StageMetrics, place = '') {
    this.operator = operator;
    this.coPartitioned = 'pair' in operator;
    this.clock = clock;
    this.metrics = metrics;
    this.place = place;
    metrics?.watch(this.partitions, () => clock.now());
  }

  /** Called once, before the source is opened. */
  readFrom(source: Pick<Source, 'keepState'>): void {
    this.hasGroup = source.keepState !== undefined;
    this.sinceEnd = source.keepState?.(this) ?? this.sinceEnd;
  }

  // --- from the group

  assigned(partition: TopicPartition, committed: number, note: StateNote | undefined): number {
    this.end(partition, 'ready');
    return this.opened(partition, committed, new PartitionProgress(committed, note)).progress.start;
  }

  /** Of a partition that the flow does not have, nothing. */
  committable(partition: TopicPartition, settled: number): number | undefined {
    return this.partitions.get(partitionKey(partition))?.mayCommit(settled);
  }

  note(partition: TopicPartition, committable: number): StateNote | undefined {
    return this.partitions.get(partitionKey(partition))?.note(committable);
  }

  revoked(partition: TopicPartition): void {
    this.end(partition, 'lost');
  }

  private end(partition: TopicPartition, fate: 'lost' | 'ready'): void {
    const key = partitionKey(partition);
    const ended = this.partitions.get(key);
    this.partitions.delete(key);
    if (ended === undefined) return;
    ended.fate = fate;
    if (!(ended instanceof PairSide) || fate === 'ready') return;
    const pair = this.pairs.get(partition.partition);
    pair?.revoked(ended.side);
    if (pair?.isEmpty === true) this.pairs.delete(partition.partition);
  }

  // --- the flow

  apply(batches$: Observable<Batch>, host: StageHost): Observable<Batch> {
    return new Observable((subscriber) => {
      const outgoing = new Outgoing(() => pump());
      this.outgoing = outgoing;
      this.partitions.clear();
      this.pairs.clear();
      const broken = (error: unknown) => subscriber.error(asTidegateError(error, 'TG_FLOW_FAILED', this.place));
      this.broken = broken;
      const handOn = (results: Batch) => subscriber.next(host.admit(results));
      const pumping = new Pump(outgoing, host, { handOn, failed: broken }, this.metrics);
      const pump = () => pumping.run();
      subscriber.add(() => pumping.stop());
      this.handOn = pump;
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
      subscription.add(this.tick(pump));
      subscription.add(() => {
        this.handOn = () => {};
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
    const wake = () => this.clock.after(0, () => this.handOn());
    const pair = this.pairs.get(partition) ?? new Pair(operator, this.outgoing, wake, this.metrics);
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
    const partition = this.partitionOf(message);
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
          (where) => acknowledge(message, where, partition),
          (error: unknown) => this.fail(message, error),
        );
      acknowledge(message, taken, partition);
    } catch (error) {
      this.fail(message, error);
    }
    return undefined;
  }

  private fail(message: Message, error: unknown): void {
    message.nack(new ProcessorFailure(asTidegateError(error, 'TG_PROCESSOR_FAILED'), this.place));
  }

  private partitionOf({ topic = '', partition: index, offset }: Message): Assigned | undefined {
    const place = { topic, partition: index };
    const known = this.partitions.get(partitionKey(place));
    if (known !== undefined || this.hasGroup) return known;
    return this.opened(place, offset, new PartitionProgress(offset, undefined, undefined, false));
  }

  private opened(place: TopicPartition, committed: number, progress: PartitionProgress): Assigned {
    const { operator, outgoing, metrics } = this;
    const now = this.clock.elapsed();
    const opened =
      'pair' in operator
        ? this.paired(operator, place, { committed, progress }, now)
        : new StatefulPartition(operator, place, progress, outgoing, now, metrics);
    this.partitions.set(partitionKey(place), opened);
    return opened;
  }

  /**
   * A partition at its end without new records follows the clock, as far behind it as it had to be idle; farther where its
   * end was seen before that: what came since has a later time.
   */
  private watchIdle(host: StageHost, pump: () => void): () => void {
    const { idle, lateness } = this.operator;
    if (idle === undefined) return () => {};
    return this.repeat(IDLE_CHECK, () => {
      const now = this.clock.elapsed();
      // While the pipeline has no room its source is paused, and what came meanwhile is not known.
      for (const partition of host.isOpen ? this.partitions.values() : []) {
        const sinceEnd = now - partition.seenAt >= idle ? this.sinceEnd(partition.place) : undefined;
        if (sinceEnd !== undefined) partition.follow(this.clock.now() - Math.max(idle, sinceEnd) - lateness);
      }
      pump();
    });
  }

  /** Lets operators look at their state every so often. */
  private tick(pump: () => void): () => void {
    const { operator } = this;
    const every = 'pair' in operator ? undefined : operator.every;
    if (every === undefined) return () => {};
    return this.repeat(every, () => {
      for (const partition of this.partitions.values()) partition.tick();
      pump();
    });
  }

  /** Acts every so often; what it returns ends that. */
  private repeat(milliseconds: number, act: () => void): () => void {
    let cancel = () => {};
    const wait = () => {
      cancel = this.clock.after(milliseconds, () => {
        try {
          act();
        } catch (error) {
          this.broken(error);
          return;
        }
        wait();
      });
    };
    wait();
    return () => cancel();
  }
}

/** With its results, if it completed something. */
function acknowledge(message: Message, taken: Taken, partition: Assigned): void {
  if (taken === undefined && !partition.isAwaiting(message)) message.ack();
}
