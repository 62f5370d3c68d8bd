import type { StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type {
  PartitionOperator,
  PartitionPort,
  Release,
  StatefulOperator,
  Taken,
} from '../../core/stateful-operator.ts';
import type { Hold } from './holds.ts';
import type { StageMetrics } from './metrics.ts';
import type { Outgoing } from './outgoing.ts';
import type { PartitionProgress } from './progress.ts';

/** An operator in one partition, with its progress there. */
export class StatefulPartition implements PartitionPort {
  readonly place: TopicPartition;
  readonly progress: PartitionProgress;
  readonly operator: PartitionOperator;
  /** When the last record came, in milliseconds on the monotonic clock. */
  seenAt: number;
  private readonly kind: StatefulOperator;
  private readonly outgoing: Outgoing;
  private readonly metrics: StageMetrics | undefined;

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

  hold({ offset }: Message): Hold {
    return this.progress.hold(offset);
  }

  release(hold: Hold): void {
    this.progress.release(hold);
  }

  give({ end, results, done }: Release): void {
    const { progress } = this;
    if (progress.wasStored(end)) {
      done();
      return;
    }
    const pending = progress.gaveOut(end, done);
    this.outgoing.add(results, () => progress.landed(pending));
  }

  wasStored(end: number): boolean {
    return this.progress.wasStored(end);
  }

  giveEarly(at: number, { results, done }: Pick<Release, 'results' | 'done'>): boolean {
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
    this.outgoing.add(results, () => progress.landed(pending));
    return true;
  }

  show(results: Iterable<Message>): void {
    this.outgoing.add(results, () => {});
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
    const time = this.kind.timeOf(record);
    if (time instanceof Promise) return time.then((ready) => this.takeAt(record, ready));
    return this.takeAt(record, time);
  }

  mayCommit(settled: number): number {
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
    if (this.progress.isRebuilt) this.operator.tick?.();
  }

  /** Moves the watermark by the clock. */
  follow(watermark: number): void {
    if (this.progress.advanceByClock(watermark)) this.operator.advance();
  }

  private takeAt(record: Message, time: number): Taken | Promise<Taken> {
    if (this.progress.advanceByRecord(time - this.kind.lateness)) this.operator.advance();
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
}
