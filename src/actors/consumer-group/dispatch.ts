import type { Batch } from '../../core/batch.ts';
import type { GroupMember, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Position } from '../../core/topic-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Dealing, type Move } from './dealing.ts';
import { DealtPartition } from './dealt-partition.ts';
import type { Holdings } from './holdings.ts';
import type { Seat } from './seat.ts';

/** Of this process: what a client confirms of one group never fits a deal of another. */
let lastDeal = 0;

export interface DispatchParts {
  /** Where the partitions come from. */
  readonly driver: () => Pick<GroupMember, 'pause' | 'resume' | 'seek'> | undefined;
  /** Shared with all other groups. */
  readonly holdings: Holdings;
  readonly logger: Logger;
  /** While it holds everything back: nothing is in flight any more. */
  readonly quiet: () => void;
}

/**
 * The way of a group's records to the holders of their partitions. Consumers are called one at a time from `run`, so
 * that whatever they do in turn (confirm, leave, seek) meets a finished deal. A partition whose records wait is held
 * back at the driver, and no other.
 */
export class Dispatch {
  /** Records that were given a second time, because their partition went on to another. */
  repeated = 0;
  private readonly parts: DispatchParts;
  private readonly dealing = new Dealing<DealtPartition, Seat>();
  private readonly partitions = new Map<string, DealtPartition>();
  /** Seats that have not been told what they hold now. */
  private readonly untold = new Set<Seat>();
  /** Partitions whose records may move on, or which are to be paused or resumed. */
  private readonly due = new Set<DealtPartition>();
  private isHeld = false;
  private isRunning = false;

  constructor(parts: DispatchParts) {
    this.parts = parts;
  }

  get size(): number {
    return this.dealing.size;
  }

  get inFlight(): number {
    let inFlight = 0;
    for (const partition of this.partitions.values()) inFlight += partition.inFlight;
    return inFlight;
  }

  unconfirmed(place: TopicPartition): number {
    return this.find(place)?.unconfirmed ?? 0;
  }

  shareOf(seat: Seat): readonly TopicPartition[] {
    return this.dealing.shareOf(seat).map(({ topic, partition }) => ({ topic, partition }));
  }

  join(seat: Seat): void {
    this.apply(this.dealing.join(seat));
    // Whoever joins has its seat in hand before it is given anything.
    queueMicrotask(() => this.run());
  }

  leave(seat: Seat): void {
    this.apply(this.dealing.leave(seat));
    this.run();
  }

  /** All that is ours now, and what of it was taken away, even if it came back at once. */
  assign(assigned: readonly TopicPartition[], removed: readonly TopicPartition[]): void {
    const kept = new Set(assigned.map(keyOf));
    for (const place of removed) kept.delete(keyOf(place));
    const gone = [...this.partitions.values()].filter((partition) => !kept.has(keyOf(partition)));
    for (const partition of gone) {
      this.partitions.delete(keyOf(partition));
      partition.release();
    }
    const fresh: DealtPartition[] = [];
    for (const place of assigned) {
      if (this.partitions.has(keyOf(place))) continue;
      const partition = new DealtPartition(place, ++lastDeal, this.parts.holdings);
      this.partitions.set(keyOf(place), partition);
      this.due.add(partition);
      fresh.push(partition);
    }
    this.apply(this.dealing.change(gone, fresh));
    for (const partition of gone) this.due.delete(partition);
    this.run();
  }

  /** How many records of one partition may come in now, from the first on; it is held back where that is not all. */
  admit(messages: readonly Message[]): number {
    const partition = this.partitionOf(messages);
    if (partition === undefined) return messages.length;
    const count = partition.admissible(messages);
    this.due.add(partition);
    // Otherwise a batch follows.
    if (count === 0) this.run();
    return count;
  }

  /** A batch of one partition. */
  enter(batch: Batch): void {
    const partition = this.partitionOf(batch.messages);
    if (partition === undefined) return;
    partition.enter(batch);
    this.due.add(partition);
    this.run();
  }

  confirm(seat: Seat, position: Position, deal: number): void {
    const partition = this.find(position);
    if (partition === undefined || partition.deal !== deal || this.dealing.holderOf(partition) !== seat) return;
    partition.confirm(position.offset);
    this.due.add(partition);
    this.run();
  }

  ready(seat: Seat): void {
    const share = this.dealing.shareOf(seat);
    // Little room is not always for the same partition: whoever was first is last the next time.
    const first = share.length < 2 ? 0 : seat.turn++ % share.length;
    for (let index = 0; index < share.length; index += 1) {
      const partition = share[(first + index) % share.length];
      if (partition !== undefined) this.due.add(partition);
    }
    this.run();
  }

  seek(seat: Seat, position: Position): boolean {
    const partition = this.find(position);
    if (partition === undefined || this.dealing.holderOf(partition) !== seat || this.isHeld) return false;
    // Comes from a client; a fetch from such a place would fail for ever, and that of all the other partitions with it.
    if (!Number.isSafeInteger(position.offset) || position.offset < 0) return false;
    this.beginAt(partition, position.offset);
    return true;
  }

  /** The log has lost what it had: reading goes on in front of where it was. */
  wentBack(place: TopicPartition, offset: number): void {
    const partition = this.find(place);
    if (partition !== undefined) this.beginAt(partition, offset);
  }

  /** Nothing is handed out from now on; what is in flight may still be confirmed. */
  hold(): void {
    this.isHeld = true;
    for (const partition of this.partitions.values()) this.due.add(partition);
    this.run();
  }

  private beginAt(partition: DealtPartition, offset: number): void {
    partition.beginAnew(++lastDeal);
    this.parts.driver()?.seek(partition, offset);
    this.due.add(partition);
    this.run();
  }

  private apply(moves: readonly Move<DealtPartition, Seat>[]): void {
    for (const { partition, from, to } of moves) {
      partition.dealAgain(++lastDeal);
      this.due.add(partition);
      if (from !== undefined) this.untold.add(from);
      if (to !== undefined) this.untold.add(to);
    }
  }

  private run(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.untold.size + this.due.size > 0) {
      try {
        this.step();
      } catch (error) {
        this.parts.logger.error({ error }, 'a consumer of a group failed to take what it was given');
      }
    }
    this.isRunning = false;
    if (this.isHeld && this.inFlight === 0) this.parts.quiet();
  }

  private step(): void {
    const [seat] = this.untold;
    if (seat !== undefined) {
      this.untold.delete(seat);
      if (this.dealing.has(seat)) seat.consumer.dealt(this.shareOf(seat));
      return;
    }
    const [partition] = this.due;
    if (partition === undefined) return;
    this.due.delete(partition);
    if (!this.handOut(partition)) this.regulate(partition);
  }

  /** False when nothing waits, or there is nobody with room for it. */
  private handOut(partition: DealtPartition): boolean {
    const consumer = this.dealing.holderOf(partition)?.consumer;
    if (this.isHeld || consumer === undefined || partition.waiting === 0) return false;
    const room = Math.min(partition.waiting, consumer.room);
    if (room <= 0) return false;
    const { messages, again } = partition.next(room);
    this.repeated += again;
    this.due.add(partition);
    const { topic, deal } = partition;
    consumer.take({ partition: { topic, partition: partition.partition }, deal, messages });
    return true;
  }

  private regulate(partition: DealtPartition): void {
    const isIdle = this.isHeld || this.dealing.holderOf(partition) === undefined;
    const isPaused = isIdle || partition.waiting > 0 || partition.isFull;
    if (isPaused === partition.isPaused) return;
    partition.isPaused = isPaused;
    const driver = this.parts.driver();
    if (isPaused) driver?.pause([partition]);
    else driver?.resume([partition]);
  }

  private partitionOf([first]: readonly Message[]): DealtPartition | undefined {
    if (first?.topic === undefined) return undefined;
    return this.find({ topic: first.topic, partition: first.partition });
  }

  private find(place: TopicPartition): DealtPartition | undefined {
    return this.partitions.get(keyOf(place));
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
