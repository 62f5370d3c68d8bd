import { Fifo } from '../../core/fifo.ts';
import type { StartPosition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { SharedFrame } from '../../core/shared-frame.ts';
import { type Kept, UnsortedHistory } from './unsorted-history.ts';

/** Which earlier messages a client gets when it connects: one of the first three. */
export interface ReplayLimits {
  /** The newest so many records. */
  readonly last?: number;
  /** Records that are at most so many milliseconds old. */
  readonly age?: number;
  /** Everything from there on. */
  readonly from?: StartPosition;
  /** Bytes that are kept at most, as they go out on the plain wire. The oldest give way. */
  readonly bytes: number;
}

/** Knows which gateways had lost their lease when their members sent a message. */
export interface Judge {
  wasTooLate(author: string, at: number): boolean;
}

/**
 * The newest frames of an endpoint, as they went out: kept once for all clients, so that a new client gets them in the
 * turn in which it begins to get the live ones, without a gap or a double at the seam.
 */
export class History {
  private readonly limits: ReplayLimits;
  private readonly last: number;
  /** Until all is read that was there at the start. */
  private unsorted: UnsortedHistory | undefined;
  private readonly entries = new Fifo<Kept>();
  private bytes = 0;
  /** The entries as they are now; made for the first newcomer after a change, and used for all until the next. */
  private made: readonly SharedFrame[] | undefined;

  constructor(limits: ReplayLimits) {
    this.limits = limits;
    this.last = limits.last ?? Number.POSITIVE_INFINITY;
    this.unsorted = new UnsortedHistory(this.last, limits.bytes);
  }

  /** `author`: the incarnation of the gateway whose member sent it. */
  keep(shared: SharedFrame, message: Message, author?: string): void {
    const frame = shared.detach();
    const said = author === undefined ? undefined : { author, at: message.timestamp };
    if (this.unsorted !== undefined) this.unsorted.keep(frame, message, said);
    else this.add({ frame, said, timestamp: message.timestamp });
  }

  /** The earlier messages are read: puts them in order. Those that are kept from now on are in the order in which they come. */
  sort(): void {
    for (const kept of this.unsorted?.takeAll() ?? []) this.add(kept);
    this.unsorted = undefined;
  }

  /** Frames for a client that connects now, oldest first, without messages that members sent too late, which `judge` knows. */
  frames(now: number, judge?: Judge): readonly SharedFrame[] {
    this.sort();
    const from = now - (this.limits.age ?? Number.POSITIVE_INFINITY);
    for (
      let oldest = this.entries.peek();
      oldest !== undefined && oldest.timestamp < from;
      oldest = this.entries.peek()
    )
      this.forgetOldest();
    if (judge !== undefined) this.forgetLate(judge);
    this.made ??= this.entries.toArray().map(({ frame }) => frame);
    return this.made;
  }

  private add(kept: Kept): void {
    this.entries.push(kept);
    this.bytes += kept.frame.size;
    this.made = undefined;
    while (this.entries.length > this.last || this.bytes > this.limits.bytes) this.forgetOldest();
  }

  private forgetLate(judge: Judge): void {
    const entries = this.entries.toArray();
    const kept = entries.filter(({ said }) => said === undefined || !judge.wasTooLate(said.author, said.at));
    if (kept.length === entries.length) return;
    this.entries.clear();
    this.bytes = 0;
    this.made = undefined;
    for (const entry of kept) this.add(entry);
  }

  private forgetOldest(): void {
    this.bytes -= this.entries.shift()?.frame.size ?? 0;
    this.made = undefined;
  }
}

/** Where reading has to begin so that a history is complete. */
export function replayStart({ last, age, from }: ReplayLimits, now: number): StartPosition {
  if (last !== undefined) return { last };
  return age === undefined ? (from ?? 'latest') : { timestamp: now - age };
}
