import { Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { TidegateError } from '../../../src/core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, Log, TopicPartition } from '../../../src/core/log.ts';
import { Message, type SettleTarget } from '../../../src/core/message.ts';
import { SettledPrefix } from '../../../src/core/settled-prefix.ts';
import { FakeLog } from './fake-log.ts';

/** A partition as the log keeps it. */
export interface Stored {
  /** Offsets of its records, rising, with holes where compaction has been. */
  readonly offsets: number[];
  committed: number;
}

/** From an assignment or a seek to the next; later settles count no more. */
class FakeFlight implements SettleTarget {
  readonly prefix: SettledPrefix;
  isStale = false;

  constructor(start: number) {
    this.prefix = new SettledPrefix(start);
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (!this.isStale && failure === null) this.prefix.settle(message.token);
  }
}

interface Read {
  flight: FakeFlight;
  /** Index of the next record to hand over. */
  position: number;
  /** What was asked for, and what the fetch under way goes by. */
  isPaused: boolean;
  isHeld: boolean;
}

/** A member of a group on the topic `t` that reads, rebalances and takes heed of a pause when the test says so. */
export class FakeGroupMember implements GroupMember {
  readonly batches$ = new Subject<Batch>();
  readonly events$ = new Subject<GroupEvent>();
  readonly gaps$ = new Subject<Gap>();
  readonly options: GroupOptions;
  readonly reads = new Map<number, Read>();
  hasLeft = false;
  private readonly stored: Map<number, Stored>;
  private generation = 0;

  constructor(options: GroupOptions, stored: Map<number, Stored>) {
    this.options = options;
    this.stored = stored;
  }

  isPaused(partition: number): boolean {
    return this.reads.get(partition)?.isPaused === true;
  }

  committable(partition: number): number | undefined {
    return this.reads.get(partition)?.flight.prefix.committable;
  }

  /** A new assignment; `lost` of it were in other hands for a while. */
  assign(partitions: readonly number[], lost: readonly number[] = []): void {
    const removed = [...this.reads.keys()].filter((each) => !partitions.includes(each) || lost.includes(each));
    for (const partition of removed) this.giveUp(partition);
    const added = partitions.filter((partition) => !this.reads.has(partition));
    for (const partition of added) this.start(partition, this.at(partition).committed, false);
    this.generation += 1;
    this.events$.next({
      type: 'assigned',
      generation: this.generation,
      partitions: partitions.map(placeOf),
      added: added.map(placeOf),
      removed: removed.map(placeOf),
      members: [],
    });
  }

  /** The fetch under way ends: the next one goes by what was asked for in the meantime. */
  heed(): void {
    for (const read of this.reads.values()) read.isHeld = read.isPaused;
  }

  /** Hands over up to so many records. */
  deliver(partition: number, count: number): void {
    const read = this.reads.get(partition);
    if (read === undefined || read.isHeld || this.hasLeft) return;
    const room = Math.max(0, (this.options.maxUnsettled ?? 4_096) - read.flight.prefix.unsettled);
    const offsets = this.at(partition).offsets.slice(read.position, read.position + Math.min(count, room));
    if (offsets.length === 0) return;
    const records = offsets.map((offset) => recordOf(partition, offset, read.flight));
    const taken = records.slice(0, this.options.admit?.(records) ?? records.length);
    for (const { offset } of taken) read.flight.prefix.enter(offset);
    read.position += taken.length;
    if (taken.length > 0) this.batches$.next(new Batch(taken));
  }

  subscribe(): void {}

  pause(partitions?: readonly TopicPartition[]): void {
    this.setPaused(partitions, true);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.setPaused(partitions, false);
  }

  write(_topic: string, messages: readonly Message[]): void {
    for (const message of messages) message.ack();
  }

  seek({ partition }: TopicPartition, offset: number): void {
    const read = this.reads.get(partition);
    if (read === undefined) return;
    read.flight.isStale = true;
    this.start(partition, offset, read.isPaused, read.isHeld);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const behind = [...this.reads].map(([partition, { position }]) => {
      return [partition, this.at(partition).offsets.length - position] as const;
    });
    return new Map([['t', new Map(behind)]]);
  }

  topicIds(): ReadonlyMap<string, string> {
    return new Map();
  }

  sinceEnd(): number | undefined {
    return undefined;
  }

  silentFor(): number {
    return 0;
  }

  async commit(): Promise<void> {}

  async leave(): Promise<void> {
    this.hasLeft = true;
    for (const partition of [...this.reads.keys()]) this.giveUp(partition);
    this.events$.next({ type: 'left' });
  }

  private at(partition: number): Stored {
    const stored = this.stored.get(partition);
    if (stored === undefined) throw new Error(`there is no partition ${partition}`);
    return stored;
  }

  private start(partition: number, offset: number, isPaused: boolean, isHeld = isPaused): void {
    const found = this.at(partition).offsets.findIndex((each) => each >= offset);
    const position = found < 0 ? this.at(partition).offsets.length : found;
    this.reads.set(partition, { flight: new FakeFlight(offset), position, isPaused, isHeld });
  }

  private giveUp(partition: number): void {
    const read = this.reads.get(partition);
    if (read === undefined) return;
    this.at(partition).committed = read.flight.prefix.committable;
    read.flight.isStale = true;
    this.reads.delete(partition);
  }

  private setPaused(partitions: readonly TopicPartition[] | undefined, isPaused: boolean): void {
    for (const { partition } of partitions ?? []) {
      const read = this.reads.get(partition);
      if (read !== undefined) read.isPaused = isPaused;
    }
  }
}

/** A log with a group that the test drives. */
export class FakeGroupLog {
  readonly port: Log = Object.assign(new FakeLog(), { group: (options: GroupOptions) => this.group(options) });
  readonly stored = new Map<number, Stored>();
  readonly joined: FakeGroupMember[] = [];
  private readonly maxUnsettled: number;

  constructor(partitions: number, maxUnsettled = 4_096) {
    this.maxUnsettled = maxUnsettled;
    for (let partition = 0; partition < partitions; partition += 1) {
      this.stored.set(partition, { offsets: [], committed: 0 });
    }
  }

  get member(): FakeGroupMember {
    const member = this.joined.at(-1);
    if (member === undefined) throw new Error('no member has joined');
    return member;
  }

  /** Appends records, each so many offsets behind the one before. */
  append(partition: number, steps: readonly number[]): void {
    const { offsets } = this.stored.get(partition) as Stored;
    for (const step of steps) offsets.push((offsets.at(-1) ?? -1) + step);
  }

  private group(options: GroupOptions): FakeGroupMember {
    const member = new FakeGroupMember({ maxUnsettled: this.maxUnsettled, ...options }, this.stored);
    this.joined.push(member);
    return member;
  }
}

function placeOf(partition: number): TopicPartition {
  return { topic: 't', partition };
}

function recordOf(partition: number, offset: number, target: SettleTarget): Message {
  return new Message(Buffer.from(`${partition}/${offset}`), { topic: 't', partition, offset, target, token: offset });
}
