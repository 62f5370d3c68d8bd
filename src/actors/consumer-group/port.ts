import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Position } from '../../core/topic-request.ts';

/** Records of one partition for one consumer, in order, without a hole. */
export interface Delivery {
  readonly partition: TopicPartition;
  /** Number of the deal by which the consumer holds the partition: a confirmation of an older one is ignored. */
  readonly deal: number;
  readonly messages: readonly Message[];
}

/** One who takes a share of a group's partitions: a connection with a subscription. */
export interface Consumer {
  /** How many records it would take now: its credit and the room in its send queue; 0 holds its partitions back. */
  readonly room: number;
  /** Never more than `room`. Whatever it does not confirm comes again, to it or to another. */
  take(delivery: Delivery): void;
  /** The partitions that it holds from now on, after a deal; for logs and seeks. */
  dealt(partitions: readonly TopicPartition[]): void;
}

/** A consumer's place in a group. */
export interface GroupSeat {
  readonly partitions: readonly TopicPartition[];
  /** The peer has all records of that partition before `offset`; a deal that is over is ignored. */
  confirm(position: Position, deal: number): void;
  /** There is room again. */
  ready(): void;
  /** Delivery begins anew at that offset, of a partition that it holds; false where it does not. */
  seek(position: Position): boolean;
  /** Its partitions go to the others, from the first unconfirmed record of each. */
  leave(): void;
}
