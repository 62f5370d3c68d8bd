import type { Clock } from '../../core/clock.ts';

/** An incarnation that is not heard of for the length of a lease is dead: three of them make one. */
const RENEWALS = 3;

export interface LeaseOptions {
  /** Milliseconds. */
  readonly length: number;
  readonly clock: Clock;
  readonly write: (number: number) => void;
}

/**
 * Says again and again that this incarnation lives. The next record is written a third of the lease after the former
 * one came back, so a log that stands still gets none, and the silence of others is only counted while it moves.
 */
export class Lease {
  private readonly options: LeaseOptions;
  private readonly pause: number;
  private number = 0;
  private writtenAt = 0;
  private isUnsettled = false;
  private isUnread = false;
  private hasEnded = false;
  private cancel: () => void = () => {};

  constructor(options: LeaseOptions) {
    this.options = options;
    this.pause = options.length / RENEWALS;
  }

  /** Whether the record that is under way has been so for longer than the log should need. */
  get isLate(): boolean {
    return this.options.clock.now() - this.writtenAt > this.pause;
  }

  begin(): void {
    if (this.hasEnded) return;
    this.number += 1;
    this.writtenAt = this.options.clock.now();
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

  /** It was read back, which may be before the log has said so. */
  echoed(): void {
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
