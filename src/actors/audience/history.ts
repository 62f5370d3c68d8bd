import { Fifo } from '../../core/fifo.ts';
import type { StartPosition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';

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

interface Entry {
  readonly frame: Buffer;
  readonly timestamp: number;
}

/**
 * The newest frames of an endpoint, as they went out: kept once for all clients, so that a latecomer gets them in the
 * turn in which it begins to get the live ones, without a gap or a double at the seam.
 */
export class History {
  private readonly limits: ReplayLimits;
  private entries = new Fifo<Entry>();
  private bytes = 0;
  /** The entries as they are now; made for the first newcomer after a change, and used for all until the next. */
  private made: readonly Buffer[] | undefined;

  constructor(limits: ReplayLimits) {
    this.limits = limits;
  }

  keep(frame: Buffer, message: Message): void {
    this.entries.push({ frame, timestamp: message.timestamp });
    this.bytes += frame.length;
    this.made = undefined;
    const { last = Number.POSITIVE_INFINITY, bytes } = this.limits;
    while (this.entries.length > last || this.bytes > bytes) this.forgetOldest();
  }

  /** Partitions were read one beside the other: puts what came of all of them in the order of its timestamps. */
  sort(): void {
    const sorted = this.entries.clear().sort((one, other) => one.timestamp - other.timestamp);
    for (const entry of sorted) this.entries.push(entry);
    this.made = undefined;
  }

  /** Frames for a client that comes now, oldest first. */
  frames(now: number): readonly Buffer[] {
    const from = now - (this.limits.age ?? now);
    for (
      let oldest = this.entries.peek();
      oldest !== undefined && oldest.timestamp < from;
      oldest = this.entries.peek()
    )
      this.forgetOldest();
    this.made ??= this.entries.toArray().map(({ frame }) => frame);
    return this.made;
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
