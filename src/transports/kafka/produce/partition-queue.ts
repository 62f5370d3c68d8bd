import type { Compressor } from '../compression/compression.ts';
import { encodeBatch } from '../wire/record-batch.ts';
import type { Planned } from './lane-plan.ts';
import type { Producer } from './producer.ts';

/**
 * The records of one request for one partition. Normally one batch; after a refusal several smaller ones, one
 * after the other. The first one is numbered, encoded and compressed once, and goes out as those very bytes until it is settled.
 */
export class PartitionQueue {
  readonly partition: number;
  private readonly batches: Planned[][];
  private numbered: { readonly producer: Producer; readonly bytes: Buffer } | undefined;

  private constructor(partition: number) {
    this.partition = partition;
    this.batches = [[]];
  }

  static of(planned: readonly Planned[], from: number, end: number): PartitionQueue[] {
    const queues = new Map<number, PartitionQueue>();
    for (let at = from; at < end; at += 1) {
      const one = planned[at] as Planned;
      let queue = queues.get(one.partition);
      if (queue === undefined) {
        queue = new PartitionQueue(one.partition);
        queues.set(one.partition, queue);
      }
      queue.head.push(one);
    }
    return [...queues.values()];
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  /** The records that are sent next. */
  get head(): Planned[] {
    const head = this.batches[0];
    if (head === undefined) throw new Error('Nothing is left to send');
    return head;
  }

  get isNumbered(): boolean {
    return this.numbered !== undefined;
  }

  get producer(): Producer {
    return this.made().producer;
  }

  get bytes(): Buffer {
    return this.made().bytes;
  }

  /** Gives the first batch its number for good. */
  number(producer: Producer, topic: string, compressor?: Compressor): void {
    const records = this.head.map(({ record }) => record);
    const bytes = encodeBatch(records, producer, producer.sequence(topic, this.partition), compressor);
    this.numbered = { producer, bytes };
  }

  /** A fresh producer is to number it. */
  forgetNumber(): void {
    this.numbered = undefined;
  }

  /** The broker has the first batch. `baseOffset` is -1 where it did not say since when. */
  stored(topic: string, baseOffset: number): void {
    const { producer } = this.made();
    const head = this.takeHead();
    producer.stored(topic, this.partition, head.length);
    for (let at = 0; at < head.length; at += 1) {
      const { message } = (head[at] as Planned).record;
      message.topic = topic;
      message.partition = this.partition;
      message.offset = baseOffset < 0 ? -1 : baseOffset + at;
    }
  }

  halve(): void {
    const head = this.takeHead();
    const middle = head.length >>> 1;
    this.batches.unshift(head.slice(0, middle), head.slice(middle));
  }

  takeHead(): Planned[] {
    const { head } = this;
    this.batches.shift();
    this.numbered = undefined;
    return head;
  }

  takeAll(): Planned[] {
    const all = this.batches.flat();
    this.batches.length = 0;
    this.numbered = undefined;
    return all;
  }

  private made(): { readonly producer: Producer; readonly bytes: Buffer } {
    if (this.numbered === undefined) throw new Error('The batch has no number yet');
    return this.numbered;
  }
}
