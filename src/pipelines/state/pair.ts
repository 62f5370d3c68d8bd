import type { StateNote } from '../../core/group-state.ts';
import type { Message } from '../../core/message.ts';
import type { JoiningOperator, PairOperator, PairPort, PairRelease, Side } from '../../core/stateful-operator.ts';
import type { Hold } from './holds.ts';
import { type Landing, Landings } from './landings.ts';
import type { StageMetrics } from './metrics.ts';
import type { Outgoing } from './outgoing.ts';
import type { PairSide } from './pair-side.ts';
import { NO_TIME } from './progress.ts';

const NOTHING = { keys: 0, bytes: 0 };

/**
 * An operator on the partitions of one number of two topics.
 *
 * How their records interleave is never the same twice, so nothing depends on it. A result of two records counts as stored
 * if both were committed, so neither is committed before the log has it. What came of it that a record has no partner
 * counts by the time of the other side, as a window does.
 *
 * While one side is read again, the other may be ahead of it as it never was: results wait until both have been, and
 * nothing is committed before the log has those.
 */
export class Pair implements PairPort {
  isRebuilt = false;
  /** Gives results out, and commits. */
  private isReady = false;
  private readonly sides = new Map<Side, PairSide>();
  private readonly kind: JoiningOperator;
  private readonly operator: PairOperator;
  private readonly outgoing: Outgoing;
  private readonly metrics: StageMetrics | undefined;
  /** Results are there, without a record that has come. */
  private readonly wake: () => void;
  /** Results, or the end of a hold behind them, in the order in which they were given out. */
  private readonly given = new Landings<Landing>();
  /** Results from before it was ready, which the log does not have. */
  private early = 0;
  private waiting: { readonly results: Iterable<Message>; readonly given: Landing }[] = [];

  constructor(kind: JoiningOperator, outgoing: Outgoing, wake: () => void, metrics?: StageMetrics) {
    this.kind = kind;
    this.outgoing = outgoing;
    this.wake = wake;
    this.metrics = metrics;
    this.operator = kind.pair(this);
  }

  /** At the one of its sides that is counted. */
  sizeAt(side: PairSide): PairOperator['size'] {
    const [counted] = this.sides.values();
    return counted === side ? this.operator.size : NOTHING;
  }

  get isEmpty(): boolean {
    return this.sides.size === 0;
  }

  // --- its partitions

  assigned(side: PairSide): void {
    this.revoked(side.side);
    this.sides.set(side.side, side);
    this.readyIfRebuilt();
  }

  revoked(side: Side): void {
    if (!this.sides.delete(side)) return;
    this.isRebuilt = false;
    this.isReady = false;
    this.operator.forget(side);
    // Their offsets are of an assignment that is over.
    this.other(side)?.releaseUpTo(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  /** All of the side that was committed has been read again. */
  rebuilt(side: PairSide): void {
    if (side.isRebuilt) return;
    side.isRebuilt = true;
    side.restore();
    this.readyIfRebuilt();
  }

  /** Lets the record's time move its side's watermark and takes it in. Throws, or rejects, for a record that has failed. */
  take(side: PairSide, record: Message): undefined | Promise<undefined> {
    side.progress.read(record.offset);
    side.progress.pass();
    const time = this.kind.timeOf(record);
    if (time instanceof Promise) return time.then((ready) => this.takeAt(side, record, ready));
    return this.takeAt(side, record, time);
  }

  moveTo(side: PairSide, watermark: number): void {
    if (side.advance(watermark)) this.operator.advance();
  }

  mayCommit(side: PairSide, settled: number): number | undefined {
    this.rebuilt(side);
    if (!this.isReady || this.early > 0) return undefined;
    side.committable = Math.min(settled, side.pending.peek() ?? settled);
    return side.committable;
  }

  note(side: PairSide, committable: number): StateNote {
    side.releaseUpTo(committable, this.other(side.side)?.committable ?? 0);
    return side.progress.note(committable, side.watermarkAt(committable));
  }

  // --- to the operator

  watermarkOf(side: Side): number {
    return this.sides.get(side)?.progress.watermark ?? NO_TIME;
  }

  hold(side: Side, { offset }: Message): Hold {
    return this.at(side).progress.hold(offset);
  }

  release(side: Side, hold: Hold): void {
    const of = this.sides.get(side);
    if (of === undefined) return;
    const release = () => of.release(hold, this.other(side)?.position ?? 0);
    if (this.given.first === undefined) release();
    else this.given.add({ hasLanded: true, done: release });
  }

  wasStored(side: Side, end: number): boolean {
    return this.at(side).progress.wasStored(end);
  }

  late(record: Message): void {
    if (!record.isReplayed) this.metrics?.late();
  }

  give({ by, results }: PairRelease): void {
    if (!this.isReady) {
      this.early += 1;
      const given = this.enter(() => {
        this.early -= 1;
      });
      this.waiting.push({ results, given });
      return;
    }
    const { pending, progress } = this.at(by.side);
    if ('end' in by) {
      const ended = progress.gaveOut(by.end, () => {});
      this.send({ results, given: this.enter(() => progress.landed(ended)) });
    } else {
      pending.push(by.record.offset);
      this.send({ results, given: this.enter(() => pending.shift()) });
    }
  }

  // --- within

  private takeAt(side: PairSide, record: Message, time: number): undefined | Promise<undefined> {
    this.moveTo(side, time - this.kind.lateness);
    side.progress.takes(record.offset);
    return this.operator.take(side.side, record, time);
  }

  private readyIfRebuilt(): void {
    if (this.sides.get('left')?.isRebuilt !== true || this.sides.get('right')?.isRebuilt !== true) return;
    this.isRebuilt = true;
    // What ended while one side was read again belongs to what is early.
    this.operator.advance();
    this.isReady = true;
    for (const early of this.waiting) this.send(early);
    if (this.waiting.length > 0) this.wake();
    this.waiting = [];
  }

  private enter(done: () => void): Landing {
    return this.given.add({ hasLanded: false, done });
  }

  private send({ results, given }: { readonly results: Iterable<Message>; readonly given: Landing }): void {
    this.outgoing.add(
      results,
      () => this.given.landed(given),
      () => 'ready',
    );
  }

  private other(side: Side): PairSide | undefined {
    return this.sides.get(side === 'left' ? 'right' : 'left');
  }

  private at(side: Side): PairSide {
    // The operator asks for the side of a record that is taken in, or of one that it holds.
    return this.sides.get(side) as PairSide;
  }
}
