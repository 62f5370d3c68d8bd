import type { Batch } from '../../core/batch.ts';
import { Fifo } from '../../core/fifo.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Holdings } from './holdings.ts';

/** A batch that is a smaller part of what its records were read with is copied, where that is large. */
const PIN = { chunk: 65_536, part: 1 / 8 };

/**
 * The unconfirmed records of a partition, in order: first those that its holder was given in this deal, then those that
 * wait. A new deal lets all of them wait again, so that delivery begins at the lowest unconfirmed offset without
 * another read. At most `maxUnsettled` records of the driver, and its share of the holdings, or one record.
 */
export class DealtPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Number of the deal by which the holder has it. */
  deal: number;
  /** Whether the driver was told to hold it back. */
  isPaused = false;
  private readonly records = new Fifo<Message>();
  /** How many were given in this deal, and how many were given in any. */
  private given = 0;
  private givenEver = 0;
  private bytes = 0;
  private isAtLimit = false;
  private readonly holdings: Holdings;

  constructor({ topic, partition }: TopicPartition, deal: number, holdings: Holdings) {
    this.topic = topic;
    this.partition = partition;
    this.deal = deal;
    this.holdings = holdings;
    holdings.add();
  }

  get unconfirmed(): number {
    return this.records.length;
  }

  /** Given in this deal and not confirmed. */
  get inFlight(): number {
    return this.given;
  }

  get waiting(): number {
    return this.records.length - this.given;
  }

  /** Whether it holds as many bytes as it may, or did and has not got rid of half of them. */
  get isFull(): boolean {
    return this.isAtLimit;
  }

  /** How many of these it may hold, from the first on. One where it holds nothing: it waits for no other partition. */
  admissible(messages: readonly Message[]): number {
    const { share } = this.holdings;
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
    const isPinning = pinsMuchMore(batch);
    for (const message of batch.messages) this.records.push(isPinning ? message.detached() : message);
    this.count(batch.bytes);
  }

  /** The next so many that wait, given from now on; `again` of them were given in an earlier deal. */
  next(count: number): { readonly messages: Message[]; readonly again: number } {
    const messages: Message[] = [];
    for (let index = 0; index < count; index += 1) {
      const message = this.records.at(this.given + index);
      if (message !== undefined) messages.push(message);
    }
    const again = Math.min(messages.length, this.givenEver - this.given);
    this.given += messages.length;
    this.givenEver = Math.max(this.givenEver, this.given);
    return { messages, again };
  }

  /** Acks what was given in this deal and stands before an offset. */
  confirm(offset: number): void {
    for (let head = this.records.peek(); this.given > 0 && head !== undefined; head = this.records.peek()) {
      if (head.offset >= offset) return;
      this.records.shift();
      this.given -= 1;
      this.givenEver -= 1;
      this.count(-head.size);
      head.ack();
    }
  }

  /** What was given waits again. */
  dealAgain(deal: number): void {
    this.deal = deal;
    this.given = 0;
  }

  /** Delivery begins elsewhere: what is here is read again, or was skipped on purpose. */
  beginAnew(deal: number): void {
    this.dealAgain(deal);
    this.givenEver = 0;
    this.count(-this.bytes);
    this.records.clear();
  }

  /** It is not ours any more. */
  release(): void {
    this.beginAnew(this.deal);
    this.holdings.remove();
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    this.holdings.change(bytes);
    const { share } = this.holdings;
    if (this.bytes === 0 || this.bytes <= share / 2) this.isAtLimit = false;
    else if (this.bytes >= share) this.isAtLimit = true;
  }
}

/** Unconfirmed records may be kept for long, and one that is kept keeps everything that came in the same answer. */
function pinsMuchMore({ messages }: Batch): boolean {
  const chunk = messages[0]?.payload.buffer.byteLength ?? 0;
  if (chunk <= PIN.chunk) return false;
  const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
  return bytes < chunk * PIN.part;
}
