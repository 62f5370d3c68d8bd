import { Fifo } from '../../core/fifo.ts';
import type { StateNote } from '../../core/group-state.ts';
import { Checkpoints } from './checkpoints.ts';
import { type Hold, Holds } from './holds.ts';
import { type Landing, Landings } from './landings.ts';
import { type EarlyRelease, Marks } from './marks.ts';

/** Before the first record: nothing is late. */
export const NO_TIME = Number.MIN_SAFE_INTEGER;

/** What an operator has given out, until the log has it and all that ended before it. */
export interface Pending extends Landing {
  /** End of what was given out, in milliseconds since the epoch. */
  readonly end: number;
}

/** A hold that ends once the record of an offset is committed. */
interface Releasing {
  readonly offset: number;
  readonly hold: Hold;
}

/**
 * Where the operators of a pipeline are in one partition: its watermark, what they still hold, what they have given out.
 *
 * State is rebuilt by reading again: records from `replay` up to the committed offset are replayed. They fill the state
 * as they did before, and nothing that comes of them is given out a second time: what ended by `through` is in the log.
 */
export class PartitionProgress {
  /** Greatest time of a record so far, less the lateness. */
  watermark: number;
  /** Offset at which reading starts. */
  readonly start: number;
  /** Offset behind the last record that was taken. */
  private next: number;
  /** The last record that was read, with the watermark in front of it. */
  private current: number;
  private inFront: number;
  private readonly committed: number;
  /** Offsets are committed, and reading may start again. */
  private readonly isCommitted: boolean;
  private isRebuilt: boolean;
  private readonly holds = new Holds();
  /** Those that are released once an offset behind theirs is committed; in the order of their offsets. */
  private readonly completed = new Fifo<Releasing>();
  /** The same for what no record completed: it may be stored later than what a later record did. */
  private readonly covered = new Fifo<Releasing>();
  private readonly checkpoints: Checkpoints;
  /** The offset that was asked about last. */
  private noted = 0;
  /** Everything that ended by then is in the log, or was when the partition was taken over. */
  private stored: number;
  /** In the order of their ends, which is that in which they were given out. */
  private readonly pending = new Landings<Pending>();
  private readonly marks: Marks;

  /** `committed`: the offset that the group goes on from; `note`: what was committed with it; `spacing`: offsets between checkpoints. */
  constructor(committed: number, note: StateNote | undefined, spacing?: number, isCommitted = true) {
    this.isCommitted = isCommitted;
    this.isRebuilt = !isCommitted;
    this.start = note?.replay ?? committed;
    this.watermark = note?.watermark ?? NO_TIME;
    this.stored = note?.through ?? NO_TIME;
    this.committed = committed;
    this.next = this.start;
    this.current = this.start;
    this.inFront = this.watermark;
    this.checkpoints = new Checkpoints({ offset: this.start, watermark: this.watermark }, spacing);
    this.marks = new Marks(note?.marks);
  }

  /** The clock's next move that is to be repeated in front of a record, before `read`; undefined where there is none. */
  nextMove(offset: number): number | undefined {
    return this.marks.nextMove(offset);
  }

  /** The early release that is to be repeated now, in front of a record; undefined where there is none. */
  takeEarlyRelease(offset: number): EarlyRelease | undefined {
    return this.marks.takeEarlyRelease(offset);
  }

  /** Whether records in front of the committed offset are still to come. */
  get isReplaying(): boolean {
    return !this.isRebuilt && this.next < this.committed;
  }

  /** All of them have been read, though a processor may have kept the last ones away. */
  rebuilt(): void {
    this.isRebuilt = true;
  }

  /** Called for each record in the order of its offsets, before `advance`. */
  read(offset: number): void {
    this.next = offset;
    this.current = offset;
    this.inFront = this.watermark;
  }

  /** The state may be rebuilt from the record that is being read. */
  pass(): void {
    this.checkpoints.pass(this.current, this.inFront);
  }

  /** Called behind `advance`, when the record goes into the state. */
  takes(offset: number): void {
    this.next = offset + 1;
  }

  /** The state may be rebuilt from that record, which is the one that is being taken, or from the next one. */
  restartable(at = this.next): void {
    this.checkpoints.add(at, at === this.current ? this.inFront : this.watermark);
  }

  /** As `advance`, by the time of a record. */
  advanceByRecord(watermark: number): boolean {
    this.marks.overtaken(watermark);
    return this.advance(watermark);
  }

  /** As `advance`, by the clock: reading again would not do that. */
  advanceByClock(watermark: number): boolean {
    if (!this.advance(watermark)) return false;
    this.marks.moved(this.next, watermark);
    return true;
  }

  /** Returns whether the watermark has moved. */
  advance(watermark: number): boolean {
    if (watermark <= this.watermark) return false;
    this.watermark = watermark;
    return true;
  }

  /** A record from here on is needed until the hold is released. */
  hold(offset: number): Hold {
    return this.holds.enter(offset);
  }

  /** `offset`: of the record that is to be committed first. */
  release(hold: Hold, offset?: number): void {
    if (offset === undefined || !this.isCommitted) this.holds.release(hold);
    else this.completed.push({ offset, hold });
  }

  /** The same once all in front of an offset is committed, which is not less than that of the last call. */
  releaseBehind(hold: Hold, position: number): void {
    if (this.isCommitted) this.covered.push({ offset: position - 1, hold });
    else this.holds.release(hold);
  }

  /** Whether what ended at that time was in the log before this gateway had the partition, or is in it now. */
  wasStored(end: number): boolean {
    return end <= this.stored;
  }

  /**
   * What ends then is given out; to be reported when the log has it. `done` is called when the log has also what ended
   * before: until then it would be given out again after a restart, and has to come out whole.
   */
  gaveOut(end: number, done: () => void): Pending {
    return this.pending.add({ end, done, hasLanded: false });
  }

  /**
   * What is kept is given out early, in front of the record that was read last or one before it. Undefined where too much
   * of that is not stored yet; otherwise `isStored` says whether the log had it before.
   */
  gaveEarly(at: number): EarlyRelease | undefined {
    const early = this.marks.gaveEarly(at);
    // What is read from there on begins with no state, so nothing in front of it is read again once all is stored.
    if (early !== undefined && at === this.next - 1) this.checkpoints.add(at, this.inFront);
    return early;
  }

  /** The log has it. */
  landed(pending: Pending): void {
    this.pending.landed(pending);
  }

  /** Behind the last record that was taken. */
  get position(): number {
    return this.next;
  }

  /** Whether the commit that was asked for last covers all records in front of an offset. */
  covers(offset: number): boolean {
    return this.noted >= offset;
  }

  /** At least what the log has: the clock may have moved the watermark on, which no record that is read again does. */
  restore(): boolean {
    return this.advance(this.stored);
  }

  /**
   * To be committed with an offset; `watermark`: one that it had. The watermark closes what ended by it in the same step that
   * moves it, so all of that is in the log or pending.
   */
  note(committable: number, watermark = this.watermark): StateNote {
    this.noted = committable;
    const { first } = this.pending;
    const through = first === undefined ? watermark : Math.min(watermark, first.end - 1);
    this.stored = Math.max(this.stored, through);
    this.releaseUpTo(this.completed, committable);
    this.releaseUpTo(this.covered, committable);
    const needed = Math.min(committable, this.holds.lowest ?? committable);
    const start = this.checkpoints.before(needed);
    const marks = this.marks.from(start.offset, start.watermark);
    const note = { replay: start.offset, watermark: start.watermark, through: this.stored };
    return marks.length === 0 ? note : { ...note, marks };
  }

  private releaseUpTo(releasing: Fifo<Releasing>, committable: number): void {
    for (let first = releasing.peek(); first !== undefined && first.offset < committable; first = releasing.peek()) {
      this.holds.release(first.hold);
      releasing.shift();
    }
  }
}
