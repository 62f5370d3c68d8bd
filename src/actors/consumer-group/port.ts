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

/**
 * One who takes a share of a group's partitions: a connection with a subscription. It is called outside of its own calls
 * to join and never in the middle of another; what it throws is logged, and what it was given then waits for it.
 */
export interface Consumer {
  /** How many records it would take now: its credit and the room in its send queue; 0 holds its partitions back. */
  readonly room: number;
  /** Never more than `room`. Whatever it does not confirm comes again, to it or to another. */
  take(delivery: Delivery): void;
  /** The partitions that it holds from now on, when they have changed; for logs and seeks. */
  dealt(partitions: readonly TopicPartition[]): void;
}

/** A consumer's place in a group. */
export interface GroupSeat {
  readonly partitions: readonly TopicPartition[];
  /**
   * Resolves once the group's positions are fixed: a record that is appended from then on reaches one of its consumers.
   * Rejects with TG_GROUP_FAILED or TG_NOT_AUTHORIZED where the log refuses the group, which goes on trying all the
   * same, and with TG_STOPPING. While the log is away it waits.
   */
  readonly live: Promise<void>;
  /**
   * The peer has all records of that partition before `offset`, of those that it was given. A deal that is over is
   * ignored.
   */
  confirm(position: Position, deal: number): void;
  /** There is room again. */
  ready(): void;
  /** Delivery begins anew at that offset, by a new deal; false where it does not hold the partition, or that is no offset. */
  seek(position: Position): boolean;
  /** Its partitions go to the others, from the first unconfirmed record of each. */
  leave(): void;
}
