import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';
import type { SharedFrame } from '../../core/shared-frame.ts';

/** A frame as it went out, or would have. */
export interface Kept {
  readonly frame: SharedFrame;
  /** For a message of a room's member: the incarnation of its gateway, and when it was sent by the clock of that. */
  readonly said: { readonly author: string; readonly at: number } | undefined;
  /** Milliseconds since the epoch; never less than that of the record before it in its partition. */
  readonly timestamp: number;
}

/**
 * The history while it is read, when partitions come one beside the other, or one after the other: the newest records of
 * all of them, whatever is read first.
 */
export class UnsortedHistory {
  private readonly last: number;
  private readonly most: number;
  private readonly partitions = new Map<string, { readonly kept: Fifo<Kept>; latest: number }>();
  private count = 0;
  private bytes = 0;
  /** Timestamp of the newest record that had to give way: nothing older is kept, or there would be a gap behind it. */
  private floor = Number.NEGATIVE_INFINITY;

  /** So many records and bytes at most. */
  constructor(last: number, bytes: number) {
    this.last = last;
    this.most = bytes;
  }

  keep(frame: SharedFrame, message: Message, said: Kept['said']): void {
    const partition = this.partitionOf(message);
    partition.latest = Math.max(partition.latest, message.timestamp);
    if (partition.latest < this.floor) return;
    partition.kept.push({ frame, said, timestamp: partition.latest });
    this.count += 1;
    this.bytes += frame.size;
    while (this.count > this.last || this.bytes > this.most) this.floor = this.takeOldest()?.timestamp ?? this.floor;
  }

  /** All records in the order of their timestamps, which is that of the log within each partition. */
  takeAll(): Kept[] {
    const all: Kept[] = [];
    for (let oldest = this.takeOldest(); oldest !== undefined; oldest = this.takeOldest()) all.push(oldest);
    return all;
  }

  private takeOldest(): Kept | undefined {
    let from: Fifo<Kept> | undefined;
    for (const { kept } of this.partitions.values()) {
      const head = kept.peek();
      if (head !== undefined && head.timestamp < (from?.peek()?.timestamp ?? Number.POSITIVE_INFINITY)) from = kept;
    }
    const oldest = from?.shift();
    if (oldest === undefined) return undefined;
    this.count -= 1;
    this.bytes -= oldest.frame.size;
    return oldest;
  }

  private partitionOf({ topic, partition }: Message) {
    const name = `${topic}/${partition}`;
    let known = this.partitions.get(name);
    if (known === undefined) {
      known = { kept: new Fifo<Kept>(), latest: 0 };
      this.partitions.set(name, known);
    }
    return known;
  }
}
