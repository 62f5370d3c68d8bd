import { type Clock, type Mark, mark, sinceMark } from '../core/clock.ts';

/** A lease is renewed this many times in its length. */
const RENEWALS = 3;
/**
 * Part of its length for which a lease is held, from the time when the last record that was read back was written.
 * Another gateway declares this one dead after it has read three leases of its own behind that record. It writes the
 * second and the third of them one pause after the one before was read back, so at least two pauses pass.
 */
const HELD_PART = (RENEWALS - 1) / RENEWALS;

export interface LeaseOptions {
  /** Milliseconds. */
  readonly length: number;
  readonly clock: Clock;
  readonly write: (number: number) => void;
}

/**
 * Writes again and again that this incarnation is alive. The next record is written a third of the lease after the former
 * one was read back: while the log makes no progress nothing is written to it, and the silence of others is not counted.
 */
export class Lease {
  private readonly options: LeaseOptions;
  private readonly pause: number;
  private number = 0;
  private writtenAt: Mark;
  /** When the last record that was read back was written. */
  private heldSince: Mark | undefined;
  private isUnsettled = false;
  private isUnread = false;
  private hasEnded = false;
  private cancel: () => void = () => {};

  constructor(options: LeaseOptions) {
    this.options = options;
    this.pause = options.length / RENEWALS;
    this.writtenAt = mark(options.clock);
  }

  /** Whether the record that is in flight has been so for longer than the log should need. */
  get isLate(): boolean {
    return sinceMark(this.options.clock, this.writtenAt) > this.pause;
  }

  /** Whether no other gateway can have declared this incarnation dead yet. */
  get isHeld(): boolean {
    if (this.hasEnded || this.heldSince === undefined) return false;
    return sinceMark(this.options.clock, this.heldSince) < this.options.length * HELD_PART;
  }

  begin(): void {
    if (this.hasEnded) return;
    this.number += 1;
    this.writtenAt = mark(this.options.clock);
    this.isUnsettled = true;
    this.isUnread = true;
    this.options.write(this.number);
  }

  /** The log has it. */
  stored(): void {
    this.isUnsettled = false;
    this.schedule();
  }

  /** The log does not have it. */
  lost(): void {
    this.isUnread = false;
    this.stored();
  }

  /** It was read back, which may be before the log has acknowledged it. */
  readBack(): void {
    this.heldSince = this.writtenAt;
    this.isUnread = false;
    this.schedule();
  }

  end(): void {
    this.hasEnded = true;
    this.cancel();
  }

  private schedule(): void {
    if (this.isUnsettled || this.isUnread || this.hasEnded) return;
    this.cancel();
    this.cancel = this.options.clock.after(this.pause, () => this.begin());
  }
}
