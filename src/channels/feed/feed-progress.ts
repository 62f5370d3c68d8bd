import type { Clock } from '../../core/clock.ts';
import type { Checkpoint, PartitionOffsets } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { ReaderWaits } from './reader-waits.ts';

export interface FeedProgressOptions {
  readonly topic: string;
  /** Where the partitions of the topic begin and end. */
  readonly ends: () => Promise<readonly PartitionOffsets[]>;
  /** What is in flight in the pipeline, as it was read. */
  readonly inFlight: () => Iterable<Message>;
  readonly clock: Clock;
}

/** How far the records of a topic have come: to the endpoint, or to their end in the pipeline. */
export class FeedProgress {
  /** Id of the topic as the reader knows it. */
  id: string | undefined;
  /** By partition: offset behind all records that are known to be settled, from where the reader began on. */
  next: number[] = [];
  /** By partition: where reading goes on behind records that are lost, until those in front of them have come. */
  readonly gaps = new Map<number, number>();
  readonly waits: ReaderWaits;
  private readonly options: FeedProgressOptions;
  /** Undefined while it is not live. */
  private reader: (() => Checkpoint) | undefined;

  constructor(options: FeedProgressOptions) {
    this.options = options;
    const { ends, clock } = options;
    this.waits = new ReaderWaits({ ends, settled: () => this.settled(), clock });
  }

  /** The reader is live. */
  follow(reader: () => Checkpoint): void {
    this.reader = reader;
  }

  /** The reader ends. Records in flight are lost, and no others: those in front of them are settled, whether a client got them or not. */
  rest(): void {
    for (const [partition, offset] of this.settled() ?? [])
      if (offset > (this.next[partition] ?? Number.POSITIVE_INFINITY)) this.moveTo(partition, offset);
    this.reader = undefined;
  }

  /** All records of that partition in front of the offset have come. */
  moveTo(partition: number, offset: number): void {
    this.next[partition] = offset;
    this.waits.reached(partition, offset);
  }

  /** By partition: the offset in front of which all records are settled; undefined where that cannot be said. */
  private settled(): ReadonlyMap<number, number> | undefined {
    const { id, offsets } = this.reader?.().get(this.options.topic) ?? {};
    if (offsets === undefined || id !== this.id || this.gaps.size > 0) return undefined;
    const settled = new Map(offsets);
    for (const { partition, offset } of this.options.inFlight())
      if (offset < (settled.get(partition) ?? 0)) settled.set(partition, offset);
    return settled;
  }
}
