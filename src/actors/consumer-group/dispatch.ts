import type { Batch } from '../../core/batch.ts';
import type { GroupMember, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { partitionKey } from '../../core/partition-key.ts';
import type { Position } from '../../core/topic-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { AssignedPartition } from './assigned-partition.ts';
import { Assignment, type Move } from './assignment.ts';
import type { Consumer } from './consumer.ts';
import type { UnconfirmedBudget } from './unconfirmed-budget.ts';

/** Of this process: what a client confirms of one group never fits an assignment of another. */
let lastEpoch = 0;

export interface DispatchParts {
  /** Where the partitions come from. */
  readonly driver: () => Pick<GroupMember, 'pause' | 'resume' | 'seek'> | undefined;
  /** Shared with all other groups. */
  readonly budget: UnconfirmedBudget;
  readonly logger: Logger;
  /** The last consumer has left. */
  readonly deserted: () => void;
  /** While everything is held back: nothing is in flight any more. */
  readonly quiet: () => void;
}

/**
 * Gives a group's records to the consumers that have their partitions. Consumers are called one at a time from `run`, so
 * that whatever they do in turn (confirm, leave, seek) meets a finished assignment. A partition whose records wait is
 * held back at the driver, and no other.
 */
export class Dispatch {
  /** Records that were delivered a second time, because their partition went on to another consumer. */
  repeated = 0;
  private readonly parts: DispatchParts;
  private readonly assignment = new Assignment<AssignedPartition, Consumer>();
  private readonly partitions = new Map<string, AssignedPartition>();
  /** Consumers that do not know yet which partitions they have now. */
  private readonly reassigned = new Set<Consumer>();
  /** Partitions whose records may move on, or which are to be paused or resumed. */
  private readonly due = new Set<AssignedPartition>();
  private isHeld = false;
  private isRunning = false;

  constructor(parts: DispatchParts) {
    this.parts = parts;
  }

  get size(): number {
    return this.assignment.size;
  }

  get inFlight(): number {
    let inFlight = 0;
    for (const partition of this.partitions.values()) inFlight += partition.inFlight;
    return inFlight;
  }

  unconfirmed(place: TopicPartition): number {
    return this.find(place)?.unconfirmed ?? 0;
  }

  /** The partitions that a consumer has; none once it has left. */
  shareOf(consumer: Consumer): readonly AssignedPartition[] {
    return this.assignment.shareOf(consumer);
  }

  /** A partition, where that consumer has it. */
  assigned(consumer: Consumer, place: TopicPartition): AssignedPartition | undefined {
    const partition = this.find(place);
    return partition !== undefined && this.assignment.holderOf(partition) === consumer ? partition : undefined;
  }

  join(consumer: Consumer): void {
    this.apply(this.assignment.join(consumer));
    // A consumer has its handle before it is given anything.
    queueMicrotask(() => this.run());
  }

  leave(consumer: Consumer): void {
    if (!this.assignment.has(consumer)) return;
    this.apply(this.assignment.leave(consumer));
    this.run();
    if (this.size === 0) this.parts.deserted();
  }

  /** All partitions that this gateway has now, and those that were taken away, even if they came back at once. */
  assign(assigned: readonly TopicPartition[], removed: readonly TopicPartition[]): void {
    const kept = new Set(assigned.map(partitionKey));
    for (const place of removed) kept.delete(partitionKey(place));
    const gone = [...this.partitions.values()].filter((partition) => !kept.has(partitionKey(partition)));
    for (const partition of gone) {
      this.partitions.delete(partitionKey(partition));
      partition.release();
    }
    const fresh: AssignedPartition[] = [];
    for (const place of assigned) {
      if (this.partitions.has(partitionKey(place))) continue;
      const partition = new AssignedPartition(place, ++lastEpoch, this.parts.budget);
      this.partitions.set(partitionKey(place), partition);
      this.due.add(partition);
      fresh.push(partition);
    }
    this.apply(this.assignment.change(gone, fresh));
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

  /** False where the consumer does not have the partition. */
  seek(consumer: Consumer, { offset, ...place }: Position): boolean {
    const partition = this.assigned(consumer, place);
    if (partition === undefined || this.isHeld) return false;
    this.beginAt(partition, offset);
    return true;
  }

  /** Its records may move on, by the next `run`. */
  enqueue(partition: AssignedPartition): void {
    this.due.add(partition);
  }

  /** The log has lost records: reading goes on at an earlier offset. */
  wentBack(place: TopicPartition, offset: number): void {
    const partition = this.find(place);
    if (partition !== undefined) this.beginAt(partition, offset);
  }

  /** Nothing is delivered from now on; what is in flight may still be confirmed. */
  hold(): void {
    this.isHeld = true;
    for (const partition of this.partitions.values()) this.due.add(partition);
    this.run();
  }

  private beginAt(partition: AssignedPartition, offset: number): void {
    partition.beginAnew(++lastEpoch);
    this.parts.driver()?.seek(partition, offset);
    this.due.add(partition);
    this.run();
  }

  private apply(moves: readonly Move<AssignedPartition, Consumer>[]): void {
    for (const { partition, from, to } of moves) {
      partition.reassign(++lastEpoch);
      this.due.add(partition);
      if (from !== undefined) this.reassigned.add(from);
      if (to !== undefined) this.reassigned.add(to);
    }
  }

  /** Delivers what can be delivered, until no partition is due. */
  run(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.reassigned.size + this.due.size > 0) {
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
    const [consumer] = this.reassigned;
    if (consumer !== undefined) {
      this.reassigned.delete(consumer);
      if (this.assignment.has(consumer)) consumer.assigned(this.shareOf(consumer).map(placeOf));
      return;
    }
    const [partition] = this.due;
    if (partition === undefined) return;
    this.due.delete(partition);
    if (!this.deliver(partition)) this.regulate(partition);
  }

  /** False when no record waits, or its consumer has no room. */
  private deliver(partition: AssignedPartition): boolean {
    const consumer = this.assignment.holderOf(partition);
    if (this.isHeld || consumer === undefined || partition.waiting === 0) return false;
    const room = Math.min(partition.waiting, consumer.room);
    if (room <= 0) return false;
    const { messages, again } = partition.next(room);
    this.repeated += again;
    this.due.add(partition);
    consumer.take({ partition: placeOf(partition), epoch: partition.epoch, messages });
    return true;
  }

  private regulate(partition: AssignedPartition): void {
    const isIdle = this.isHeld || this.assignment.holderOf(partition) === undefined;
    const isPaused = isIdle || partition.waiting > 0 || partition.isFull;
    if (isPaused === partition.isPaused) return;
    partition.isPaused = isPaused;
    const driver = this.parts.driver();
    if (isPaused) driver?.pause([partition]);
    else driver?.resume([partition]);
  }

  private partitionOf([first]: readonly Message[]): AssignedPartition | undefined {
    if (first?.topic === undefined) return undefined;
    return this.find({ topic: first.topic, partition: first.partition });
  }

  private find(place: TopicPartition): AssignedPartition | undefined {
    return this.partitions.get(partitionKey(place));
  }
}

export function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}
