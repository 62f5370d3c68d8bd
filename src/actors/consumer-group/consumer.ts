import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';

/** Records of one partition for one consumer, in order, without a hole. */
export interface Delivery {
  readonly partition: TopicPartition;
  /** Number of the assignment by which the consumer has the partition: a confirmation with an older one is ignored. */
  readonly epoch: number;
  readonly messages: readonly Message[];
}

/**
 * What takes a share of a group's partitions: a connection with a subscription. It is called outside of its own calls
 * to join and never in the middle of another; what it throws is logged, and the records of that call then wait for it.
 */
export interface Consumer {
  /** How many records it would take now: its credit and the room in its send queue; 0 holds its partitions back. */
  readonly room: number;
  /** Never more than `room`. Records that it does not confirm come again, to it or to another consumer. */
  take(delivery: Delivery): void;
  /** The partitions that it has from now on, when they have changed; for logs and seeks. */
  assigned(partitions: readonly TopicPartition[]): void;
}
