import { Fifo } from '../../core/fifo.ts';
import type { StartPosition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { type Kept, Past } from './past.ts';

/** What a client gets of the past when it comes: one of the first three. */
export interface ReplayLimits {
  /** The newest so many records. */
  readonly last?: number;
  /** Records that are at most so many milliseconds old. */
  readonly age?: number;
  /** Everything from there on. */
  readonly from?: StartPosition;
  /** Bytes that are kept at most, as they go out. The oldest give way. */
  readonly bytes: number;
}

/**
 * The newest frames of an endpoint, as they went out: kept once for all clients, so that a latecomer gets them in the
 * turn in which it begins to get the live ones, without a gap or a double at the seam.
 */
export class History {
  private readonly limits: ReplayLimits;
  private readonly last: number;
  /** Until all is read that was there at the start. */
  private past: Past | undefined;
  private readonly entries = new Fifo<Kept>();
  private bytes = 0;
  /** The entries as they are now; made for the first newcomer after a change, and used for all until the next. */
  private made: readonly Buffer[] | undefined;

  constructor(limits: ReplayLimits) {
    this.limits = limits;
    this.last = limits.last ?? Number.POSITIVE_INFINITY;
    this.past = new Past(this.last, limits.bytes);
  }

  keep(frame: Buffer, message: Message): void {
    if (this.past !== undefined) this.past.keep(frame, message);
    else this.add({ frame, timestamp: message.timestamp });
  }

  /** The past is read: puts it in order. What is kept from now on stands in the order in which it comes. */
  sort(): void {
    for (const kept of this.past?.takeAll() ?? []) this.add(kept);
    this.past = undefined;
  }

  /** Frames for a client that comes now, oldest first. */
  frames(now: number): readonly Buffer[] {
    this.sort();
    const from = now - (this.limits.age ?? Number.POSITIVE_INFINITY);
    for (
      let oldest = this.entries.peek();
      oldest !== undefined && oldest.timestamp < from;
      oldest = this.entries.peek()
    )
      this.forgetOldest();
    this.made ??= this.entries.toArray().map(({ frame }) => frame);
    return this.made;
  }

  private add(kept: Kept): void {
    this.entries.push(kept);
    this.bytes += kept.frame.length;
    this.made = undefined;
    while (this.entries.length > this.last || this.bytes > this.limits.bytes) this.forgetOldest();
  }

  private forgetOldest(): void {
    this.bytes -= this.entries.shift()?.frame.length ?? 0;
    this.made = undefined;
  }
}

/** Where reading has to begin so that a history is complete. */
export function replayStart({ last, age, from }: ReplayLimits, now: number): StartPosition {
  if (last !== undefined) return { last };
  return age === undefined ? (from ?? 'latest') : { timestamp: now - age };
}
