import type { TopicPartition } from '../core/log.ts';
import type { ConsumerFacts, ConsumerReady } from './events.ts';

/** This gateway's member of a consumer group at this moment. */
export interface MemberStatus {
  readonly group: string;
  readonly topics: readonly string[];
  readonly state: 'joining' | 'stable' | 'rebalancing' | 'failed';
  readonly partitions: readonly TopicPartition[];
  /** Records behind the end, by topic and partition. */
  lag(): ReadonlyMap<string, ReadonlyMap<number, number>>;
}

/** What readers of topics report to their gateway, which makes metrics, events and its inspection of it. */
export interface ReadReport {
  /** A reader or a member of a group is about to be made. */
  opening(topics: readonly string[]): void;
  /** Every record from now on is read. A member of a group reports it at each assignment. */
  ready(consumer: ConsumerReady): void;
  /** Reading broke off; it is tried again. */
  failed(error: unknown, consumer: ConsumerFacts): void;
  joined(member: MemberStatus): void;
  left(member: MemberStatus): void;
}
