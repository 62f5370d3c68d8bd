import type { StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message, Readiness } from '../../core/message.ts';
import type {
  EndedByTime,
  PartitionOperator,
  PartitionPort,
  Release,
  StatefulOperator,
  Taken,
} from '../../core/stateful-operator.ts';
import type { Hold } from './holds.ts';
import { type Landing, Landings } from './landings.ts';
import type { StageMetrics } from './metrics.ts';
import type { Outgoing } from './outgoing.ts';
import type { PartitionProgress } from './progress.ts';

/** What was given out, until the log has it and what was given out before. */
interface Given extends Landing {
  /** The record that completed it. */
  readonly by: Message | undefined;
  /** Behind the last record that it may be made of. */
  readonly position: number;
  isDone: boolean;
}

/** An operator in one partition, with its progress there. */
export class StatefulPartition implements PartitionPort {
  readonly place: TopicPartition;
  readonly progress: PartitionProgress;
  readonly operator: PartitionOperator;
  /** When the last record came, in milliseconds on the monotonic clock. */
  seenAt: number;
  /** What it has given out and is not stored is made again by another gateway (`lost`), or not at all (`ready`). */
  fate: 'lost' | 'ready' | undefined;
  private readonly kind: StatefulOperator;
  private readonly outgoing: Outgoing;
  private readonly metrics: StageMetrics | undefined;
  /** In their order; what time ended is in `progress`. */
  private readonly given = new Landings<Given>();
  /** The last record that is acked with the results that it completed. */
  private awaiting: Message | undefined;

  constructor(
    kind: StatefulOperator,
    place: TopicPartition,
    progress: PartitionProgress,
    outgoing: Outgoing,
    now: number,
    metrics?: StageMetrics,
  ) {
    this.place = place;
    this.kind = kind;
    this.progress = progress;
    this.outgoing = outgoing;
    this.seenAt = now;
    this.metrics = metrics;
    this.operator = kind.partition(this);
  }

  get watermark(): number {
    return this.progress.watermark;
  }

  get isReplaying(): boolean {
    return this.progress.isReplaying;
  }

  hold({ offset }: Message): Hold {
    return this.progress.hold(offset);
  }

  release(hold: Hold, by?: Message): void {
    this.progress.release(hold, by?.offset);
  }

  mayRestart(at?: Message): void {
    this.progress.restartable(at?.offset);
  }

  give(release: Release): void {
    if ('by' in release) this.giveFor(release.by, release.results);
    else if ('end' in release) this.giveEnded(release);
    else {
      const given = this.enter(undefined, () => {
        // A transaction takes the results once it commits all in front of that position: until then they are made again.
        // All holds come from `hold`.
        for (const hold of release.holds) this.progress.releaseBehind(hold as Hold, given.position);
        release.done();
      });
      this.outgoing.add(
        release.results,
        () => this.given.landed(given),
        () => this.readinessOf(given),
      );
    }
  }

  /** Whether the record waits for its results, and is acked with them. */
  isAwaiting(record: Message): boolean {
    return this.awaiting === record;
  }

  wasStored(end: number): boolean {
    return this.progress.wasStored(end);
  }

  giveEarly(at: number, { results, done }: Pick<EndedByTime, 'results' | 'done'>): boolean {
    const { progress } = this;
    const early = progress.gaveEarly(at);
    if (early === undefined) return false;
    if (early.isStored) {
      done();
      return true;
    }
    // All of it ends behind the watermark.
    const pending = progress.gaveOut(this.watermark + 1, () => {
      early.isStored = true;
      done();
    });
    const readiness = () => this.fate ?? (early.isStored ? 'ready' : 'early');
    this.outgoing.add(results, () => progress.landed(pending), readiness);
    return true;
  }

  show(results: Iterable<Message>): void {
    this.outgoing.add(
      results,
      () => {},
      () => this.fate ?? 'ready',
    );
  }

  late(record: Message): void {
    if (!record.isReplayed) this.metrics?.late();
  }

  /**
   * Lets the record's time move the watermark, which ends windows and makes room, and takes it in. The watermark moves also
   * where the operator refuses the record, as it has to move in the same way when that is read again. Throws, or rejects,
   * for a record that has failed.
   */
  take(record: Message): Taken | Promise<Taken> {
    this.repeatMarks(record.offset);
    this.progress.read(record.offset);
    if (this.kind.restartsWhereEmpty !== true) this.progress.pass();
    const time = this.kind.timeOf(record);
    if (time instanceof Promise) return time.then((ready) => this.takeAt(record, ready));
    return this.takeAt(record, time);
  }

  mayCommit(settled: number): number {
    // Asked for only when all that is read again is settled, some of it maybe in front of this operator.
    this.progress.rebuilt();
    return settled;
  }

  note(committable: number): StateNote {
    return this.progress.note(committable);
  }

  /** What it keeps, for metrics. */
  get size(): PartitionOperator['size'] {
    return this.operator.size;
  }

  /** Lets the operator look at its state, unless that is being rebuilt. */
  tick(): void {
    if (!this.isReplaying) this.operator.tick?.();
  }

  /** Moves the watermark by the clock. While records are read again the clock says nothing: they came before it moved anything. */
  follow(watermark: number): void {
    if (!this.isReplaying && this.progress.advanceByClock(watermark)) this.operator.advance();
  }

  private takeAt(record: Message, time: number): Taken | Promise<Taken> {
    if (this.progress.advanceByRecord(time - this.kind.lateness)) this.operator.advance();
    this.progress.takes(record.offset);
    this.repeatEarlyReleases(record.offset);
    return this.operator.take(record, time);
  }

  /** What reading again would not do by itself is done where it was done before. */
  private repeatMarks(offset: number): void {
    // One that was made for a record which is gone comes before moves behind it.
    this.repeatEarlyReleases(offset - 1);
    for (let to = this.progress.nextMove(offset); to !== undefined; to = this.progress.nextMove(offset)) {
      if (this.progress.advance(to)) this.operator.advance();
      this.repeatEarlyReleases(offset - 1);
    }
  }

  private repeatEarlyReleases(offset: number): void {
    const { progress } = this;
    for (let early = progress.takeEarlyRelease(offset); early !== undefined; early = progress.takeEarlyRelease(offset))
      this.operator.giveAllEarly?.(early.at);
  }

  private giveFor(record: Message, results: Iterable<Message>): void {
    if (record.isReplayed) return;
    this.awaiting = record;
    const given = this.enter(record, () => {
      // It may have completed more than this.
      if (this.given.first?.by !== record) record.ack();
    });
    this.outgoing.addFor(
      results,
      () => this.given.landed(given),
      () => this.readinessOf(given),
    );
  }

  private enter(by: Message | undefined, done: () => void): Given {
    const { position } = this.progress;
    const isNowDone = () => {
      given.isDone = true;
      done();
    };
    const given: Given = { by, done: isNowDone, position, hasLanded: false, isDone: false };
    return this.given.add(given);
  }

  /** In a transaction that commits all of which it was made, with a note that knows of it. */
  private readinessOf({ isDone, position }: Given): Readiness {
    return this.fate ?? (isDone && this.progress.covers(position) ? 'ready' : 'early');
  }

  private giveEnded({ end, results, done }: EndedByTime): void {
    const { progress } = this;
    if (progress.wasStored(end)) {
      done();
      return;
    }
    const pending = progress.gaveOut(end, done);
    // In a transaction whose note covers it.
    const readiness = () => this.fate ?? (progress.wasStored(end) ? 'ready' : 'early');
    this.outgoing.add(results, () => progress.landed(pending), readiness);
  }
}
