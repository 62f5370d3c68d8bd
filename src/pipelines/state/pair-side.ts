import { Fifo } from '../../core/fifo.ts';
import type { StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { PairOperator, Side } from '../../core/stateful-operator.ts';
import type { Hold } from './holds.ts';
import type { PartitionProgress } from './progress.ts';

/** A hold that nothing here needs any more. */
interface Released {
  readonly hold: Hold;
  /** Where this side was by then: what is read again from before that may need it again. */
  readonly own: number;
  /** The same for the other side. */
  readonly other: number;
}

interface Step {
  /** In effect once all records in front of this offset are committed. */
  readonly from: number;
  readonly watermark: number;
}

/** The pair that a side belongs to. */
interface Both {
  /** All of the side that was committed has been read again. */
  rebuilt(side: PairSide): void;
  take(side: PairSide, record: Message): undefined | Promise<undefined>;
  moveTo(side: PairSide, watermark: number): void;
  sizeAt(side: PairSide): PairOperator['size'];
  mayCommit(side: PairSide, settled: number): number | undefined;
  note(side: PairSide, committable: number): StateNote;
}

/** One of the two partitions of a pair, from its assignment on. */
export class PairSide {
  readonly side: Side;
  readonly place: TopicPartition;
  readonly progress: PartitionProgress;
  /** When the last record came, in milliseconds on the monotonic clock. */
  seenAt: number;
  /** See StatefulPartition: nothing of a pair waits for a transaction. */
  fate: 'lost' | 'ready' | undefined;
  /** Behind the last record that was read. */
  position: number;
  /** Whether all that the group had committed was read again. */
  isRebuilt: boolean;
  /** What was last said to be committed. */
  committable: number;
  /** Offsets of records whose results the log does not have, in rising order. */
  readonly pending = new Fifo<number>();
  private readonly released = new Fifo<Released>();
  /** Steps of the watermark behind what is committed. */
  private readonly steps = new Fifo<Step>();
  private settledWatermark: number;
  private readonly pair: Both;

  constructor(
    pair: Both,
    side: Side,
    { place, committed, progress }: { place: TopicPartition; committed: number; progress: PartitionProgress },
    now: number,
  ) {
    this.pair = pair;
    this.side = side;
    this.place = place;
    this.progress = progress;
    this.seenAt = now;
    this.position = progress.start;
    this.isRebuilt = progress.start >= committed;
    this.committable = committed;
    this.settledWatermark = progress.watermark;
    if (this.isRebuilt) this.restore();
  }

  take(record: Message): undefined | Promise<undefined> {
    if (!record.isReplayed) this.pair.rebuilt(this);
    this.position = record.offset + 1;
    return this.pair.take(this, record);
  }

  get watermark(): number {
    return this.progress.watermark;
  }

  /** What the pair keeps, at one of its sides. */
  get size(): PairOperator['size'] {
    return this.pair.sizeAt(this);
  }

  /** A join has no ticks, and acks a record as it is taken. */
  tick(): void {}

  isAwaiting(_record: Message): boolean {
    return false;
  }

  /** Moves the watermark by the clock. */
  follow(watermark: number): void {
    this.pair.moveTo(this, watermark);
  }

  /** Returns whether the watermark has moved. */
  advance(watermark: number): boolean {
    if (!this.progress.advance(watermark)) return false;
    this.step(watermark);
    return true;
  }

  /** All that was committed has been read again; the clock had moved the watermark further, maybe. */
  restore(): void {
    const { progress } = this;
    if (progress.restore()) this.step(progress.watermark);
  }

  /** `other`: the other side's position. */
  release(hold: Hold, other: number): void {
    this.released.push({ hold, own: this.position, other });
  }

  /** Ends the holds that nothing needs once both sides are committed that far. */
  releaseUpTo(own: number, other: number): void {
    const { released, progress } = this;
    for (let first = released.peek(); first !== undefined && first.own <= own && first.other <= other; ) {
      released.shift();
      progress.release(first.hold);
      first = released.peek();
    }
  }

  /** The watermark as it will be once all in front of that offset has been read again. */
  watermarkAt(committable: number): number {
    const { steps } = this;
    for (let first = steps.peek(); first !== undefined && first.from <= committable; first = steps.peek()) {
      steps.shift();
      this.settledWatermark = first.watermark;
    }
    return this.settledWatermark;
  }

  /** Nothing is committed in front of what is read again, which may be a lot. */
  private step(watermark: number): void {
    if (this.isRebuilt) this.steps.push({ from: this.position, watermark });
    else this.settledWatermark = watermark;
  }

  mayCommit(settled: number): number | undefined {
    return this.pair.mayCommit(this, settled);
  }

  note(committable: number): StateNote {
    return this.pair.note(this, committable);
  }
}
