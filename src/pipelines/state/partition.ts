import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { PartitionOperator, PartitionPort, Release, StatefulOperator } from '../../core/stateful-operator.ts';
import type { Hold } from './holds.ts';
import type { Outgoing } from './outgoing.ts';
import type { PartitionProgress } from './progress.ts';

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

  constructor(
    kind: StatefulOperator,
    place: TopicPartition,
    progress: PartitionProgress,
    outgoing: Outgoing,
    now: number,
  ) {
    this.place = place;
    this.kind = kind;
    this.progress = progress;
    this.outgoing = outgoing;
    this.seenAt = now;
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
    // In a transaction whose note covers it.
    const readiness = () => this.fate ?? (progress.wasStored(end) ? 'ready' : 'early');
    this.outgoing.add(results, () => progress.landed(pending), readiness);
  }

  /**
   * Lets the record's time move the watermark, which ends windows and makes room, and takes it in. The watermark moves also
   * where the operator refuses the record, as it has to move in the same way when that is read again. Throws, or rejects,
   * for a record that has failed.
   */
  take(record: Message): undefined | Promise<void> {
    this.progress.read(record.offset);
    const time = this.kind.timeOf(record);
    if (time instanceof Promise) return time.then((ready) => this.takeAt(record, ready));
    return this.takeAt(record, time);
  }

  moveTo(watermark: number): void {
    if (this.progress.advance(watermark)) this.operator.advance();
  }

  private takeAt(record: Message, time: number): undefined | Promise<void> {
    this.moveTo(time - this.kind.lateness);
    return this.operator.take(record, time);
  }
}
