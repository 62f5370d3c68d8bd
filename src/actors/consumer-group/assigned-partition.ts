import type { Batch } from '../../core/batch.ts';
import { Fifo } from '../../core/fifo.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { UnconfirmedBudget } from './unconfirmed-budget.ts';

/** Records are copied out of a chunk of memory that is larger than this and of which they are a smaller part than that. */
const COPIED = { chunk: 65_536, part: 1 / 8 };

/**
 * The unconfirmed records of a partition, in order: first those that were delivered in this assignment, then those that
 * wait. With a new assignment all of them wait again, so that delivery begins at the lowest unconfirmed offset without
 * another read. At most `maxUnsettled` records of the driver, and its share of the budget, or one record.
 */
export class AssignedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Number of the assignment by which its consumer has it. */
  epoch: number;
  /** Whether the driver has to hold it back. */
  isPaused = false;
  private readonly records = new Fifo<Message>();
  /** How many of the records were delivered in this assignment, and how many in any. */
  private delivered = 0;
  private deliveredEver = 0;
  private bytes = 0;
  private isAtLimit = false;
  private readonly budget: UnconfirmedBudget;

  constructor({ topic, partition }: TopicPartition, epoch: number, budget: UnconfirmedBudget) {
    this.topic = topic;
    this.partition = partition;
    this.epoch = epoch;
    this.budget = budget;
    budget.add();
  }

  get unconfirmed(): number {
    return this.records.length;
  }

  /** Delivered in this assignment and not confirmed. */
  get inFlight(): number {
    return this.delivered;
  }

  get waiting(): number {
    return this.records.length - this.delivered;
  }

  /** Whether its records take as many bytes as they may, or did and half of those are not free again. */
  get isFull(): boolean {
    return this.isAtLimit;
  }

  /** How many of these may come in, from the first on. One where it has no record: it waits for no other partition. */
  admissible(messages: readonly Message[]): number {
    const { share } = this.budget;
    let bytes = this.bytes;
    let count = 0;
    for (const { size } of messages) {
      bytes += size;
      if (bytes > share && bytes > size) break;
      count += 1;
    }
    if (count < messages.length) this.isAtLimit = true;
    return count;
  }

  enter(batch: Batch): void {
    const isCopied = keepsMuchMore(batch);
    for (const message of batch.messages) this.records.push(isCopied ? message.detached() : message);
    this.count(batch.bytes);
  }

  /** The next so many that wait, delivered from now on; `again` of them were delivered in an earlier assignment. */
  next(count: number): { readonly messages: Message[]; readonly again: number } {
    const messages: Message[] = [];
    for (let index = 0; index < count; index += 1) {
      const message = this.records.at(this.delivered + index);
      if (message !== undefined) messages.push(message);
    }
    const again = Math.min(messages.length, this.deliveredEver - this.delivered);
    this.delivered += messages.length;
    this.deliveredEver = Math.max(this.deliveredEver, this.delivered);
    return { messages, again };
  }

  /** Acks the records before an offset that were delivered in this assignment. */
  confirm(offset: number): void {
    for (let head = this.records.peek(); this.delivered > 0 && head !== undefined; head = this.records.peek()) {
      if (head.offset >= offset) return;
      this.records.shift();
      this.delivered -= 1;
      this.deliveredEver -= 1;
      this.count(-head.size);
      head.ack();
    }
  }

  /** The delivered records wait again. */
  reassign(epoch: number): void {
    this.epoch = epoch;
    this.delivered = 0;
  }

  /** Delivery begins elsewhere: the records are read again, or were skipped on purpose. */
  beginAnew(epoch: number): void {
    this.reassign(epoch);
    this.deliveredEver = 0;
    this.count(-this.bytes);
    this.records.clear();
  }

  /** It is not assigned to this gateway any more. */
  release(): void {
    this.beginAnew(this.epoch);
    this.budget.remove();
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    this.budget.change(bytes);
    const { share } = this.budget;
    if (this.bytes === 0 || this.bytes <= share / 2) this.isAtLimit = false;
    else if (this.bytes >= share) this.isAtLimit = true;
  }
}

/** Unconfirmed records may be kept for long, and each keeps the whole chunk that it was read in. */
function keepsMuchMore({ messages }: Batch): boolean {
  const chunk = messages[0]?.payload.buffer.byteLength ?? 0;
  if (chunk <= COPIED.chunk) return false;
  const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
  return bytes < chunk * COPIED.part;
}
