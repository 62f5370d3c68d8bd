import type { Observable } from 'rxjs';
import type { Batch } from './batch.ts';
import type { TidegateError } from './errors.ts';
import type { GroupState } from './group-state.ts';
import type { Message } from './message.ts';
import type { TopicPartition } from './topic-partition.ts';

export type { TopicPartition } from './topic-partition.ts';

/**
 * The Kafka side behind one interface. Every driver passes the same contract suite (`logContract` of src/testing),
 * which spells out ordering, durability and failure in full.
 */
export interface Log {
  /** Name of the driver in the YAML. */
  readonly driver: string;
  /** Whether the log can be reached, replaying the current state to each subscriber. */
  readonly link$: Observable<LinkState>;
  /**
   * Starts. A log that cannot be reached is not a failure: `link$` says so and the driver keeps trying.
   * Rejects with a `stop` error when trying again cannot help (TG_DATA_DIR_OWNED).
   */
  open(): Promise<void>;
  /** Releases everything. Sends that are still pending end as TG_LOG_UNAVAILABLE. */
  close(): Promise<void>;
  readonly admin: LogAdmin;
  /** The lane of a topic. Ask for it once per topic and gateway: two lanes to one topic break the order. */
  lane(topic: string, observer: LaneObserver): Lane;
  /** Lets go of what is kept for writing to a topic that is gone. Its lane has nothing to send, and is not used again. */
  forget(topic: string): void;
  /** Reads without a group: own positions, nothing committed, every reader sees every record. */
  reader(options: ReaderOptions): Reader;
  /** Reads as a member of a group: partitions are shared with the other members, and offsets are committed after settle. */
  group(options: GroupOptions): GroupMember;
}

export type LinkState =
  | { readonly state: 'connecting' }
  | { readonly state: 'up' }
  | { readonly state: 'down'; readonly reason: string };

export interface TopicSpec {
  readonly name: string;
  /** Partitions; the log's own default where it is left out. */
  readonly partitions?: number;
  /** Copies; the log's own default where it is left out. The embedded log has one whatever is asked for. */
  readonly replication?: number;
  /** Kafka's names: cleanup.policy, retention.ms, retention.bytes, max.message.bytes, segment.ms ... Others are kept and ignored. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: number;
  /** Largest record in bytes that the topic takes. */
  readonly maxMessageBytes: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** Offset of the oldest record that is still there. */
  readonly earliest: number;
  /** Offset that the next record will get. */
  readonly latest: number;
}

/** Every call rejects with TG_LOG_UNAVAILABLE while the log is away. */
export interface LogAdmin {
  /** All topics by name with the number of their partitions, the log's internal ones left out. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /** undefined when there is no such topic. */
  describe(topic: string): Promise<TopicDescription | undefined>;
  /** False when the topic is there already. Rejects with TG_TOPIC_INVALID, TG_TOO_FEW_BROKERS or TG_NOT_AUTHORIZED. */
  create(topic: TopicSpec): Promise<boolean>;
  delete(topic: string): Promise<void>;
  addPartitions(topic: string, total: number): Promise<void>;
  offsets(topic: string): Promise<PartitionOffsets[]>;
  /** Committed offset by partition; partitions without one are left out. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>>;
  /** Sets what a group without members has committed. Rejects with TG_GROUP_FAILED where it has members. */
  setCommitted(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Forgets a group and what it has committed, if there is one. Rejects with TG_GROUP_FAILED where it has members. */
  deleteGroup(group: string): Promise<void>;
  /** The same for all users of this log; another log has another one. */
  clusterId(): Promise<string>;
}

/** Called with the state of a lane between sends; for state and log lines, never per message. */
export interface LaneObserver {
  /** The last try failed with an unknown outcome; the lane repeats the same batch until it is accepted. */
  retrying(reason: TidegateError): void;
  /** A retried batch was accepted. */
  recovered(): void;
  /** The producer had to be replaced, so the last batch may have been written twice. */
  duplicatesPossible(reason: TidegateError): void;
}

/**
 * The one way to write to a topic: one send outstanding, the partition of each record fixed before the first try
 * (key by murmur2, without a key in turn), an unknown outcome repeated with the very same records until accepted.
 */
export interface Lane {
  /**
   * Stores the messages in order and sets `topic`, `partition` and `offset` on each that was stored. Resolves with
   * the refused ones (a `reject` error each), empty when all are stored. Rejects only after `abandon`, with
   * TG_LOG_UNAVAILABLE: the outcome is unknown then. Never call it again before it has ended. `traceId`: a trace that
   * shows how long the send took, for its metric.
   */
  send(messages: readonly Message[], traceId?: string): Promise<readonly Refusal[]>;
  /** Ends a pending send. What was sent may still arrive in the topic. */
  abandon(): void;
}

/** A message of a send that the log will never take. */
export interface Refusal {
  readonly index: number;
  readonly failure: TidegateError;
}

/** Where a read starts. From a checkpoint, what it does not name was created since and is read from its first record. */
export type StartPosition =
  | GroupStart
  | { readonly last: number }
  | { readonly timestamp: number }
  | { readonly checkpoint: Checkpoint };

/** Where a reader was, by topic: another reader goes on from there. */
export type Checkpoint = ReadonlyMap<string, TopicCheckpoint>;

export interface TopicCheckpoint {
  /** Id of the topic that the offsets belong to: one that is deleted and created again has another. undefined where the log gives none. */
  readonly id: string | undefined;
  /** Next offset to be delivered, by partition. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** Offsets are by topic and partition; partitions left out start at the latest record. */
export type GroupStart =
  | 'earliest'
  | 'latest'
  | { readonly offsets: Readonly<Record<string, Readonly<Record<number, number>>>> };

/** Records that were gone before they could be read, or that cannot be read; or another topic in the place of the one that was read. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  /** First missing offset. */
  readonly from: number;
  /** Offset that reading goes on with. */
  readonly to: number;
  /** Why they cannot be read, where they are still there. */
  readonly reason?: string;
  /** The topic was deleted and created again: `from` is an offset of the old one, `to` the first of the new one. */
  readonly recreated?: true;
}

export interface ReaderOptions {
  readonly topics: readonly string[];
  readonly from: StartPosition;
  /** Only these partitions of each topic. All where it is left out, also those that are added later. */
  readonly partitions?: readonly number[];
  /** It reads what is there and is closed soon: readers of this kind share their connections, and open at less cost. */
  readonly isBrief?: boolean;
}

export interface Reader {
  /** Batches of one partition each. Reading starts with the first subscription and there is only one. */
  readonly batches$: Observable<Batch>;
  /** Resolves when the positions of all partitions are fixed: every record that is appended from then on is delivered. */
  readonly live: Promise<void>;
  /**
   * Positions out of range, continued at the earliest record; what cannot be read, continued behind it; topics that were
   * deleted and created again, continued at the first record of the new one. They are counted; log them where you follow them.
   */
  readonly gaps$: Observable<Gap>;
  pause(): void;
  resume(): void;
  /** Reads that partition no further. What was already fetched may still be handed over. */
  leave(place: TopicPartition): void;
  /** Next offset to be delivered, by topic and partition. */
  positions(): ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** The same to go on from by another reader: with the ids of the topics, also of those that are gone by now. */
  checkpoint(): Checkpoint;
  close(): Promise<void>;
}

export interface GroupOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Of the topics, those that came later than the group began: a partition that the group never committed starts at its first record. */
  readonly later?: readonly string[];
  /** Ids of the topics as an earlier member of the same user knew them (`topicIds`): one that has another by now begins at its first record. */
  readonly topicIds?: ReadonlyMap<string, string>;
  /** Where a partition starts that the group never committed; one that came later, and is not named, at its first record. */
  readonly from: GroupStart;
  /** Milliseconds of silence after which a member loses its partitions. Default 10,000. */
  readonly sessionTimeout?: number;
  /** Between commits, in milliseconds. Default 1,000. */
  readonly commitInterval?: number;
  /** How many records a partition may be ahead of its oldest unsettled one. Default 4,096. */
  readonly maxUnsettled?: number;
  /**
   * Partitions of the same number of all topics go to the same member: those that not every topic has go to none. All
   * members of the group have to say so.
   */
  readonly coPartitioned?: boolean;
  /** How the other members know this one. */
  readonly label?: string;
  /**
   * Asked how many records of one partition are taken now, from the first on, before they are handed over. The others
   * are read again: who takes less pauses the partition until there is room. All where it is left out.
   */
  readonly admit?: (messages: readonly Message[]) => number;
  /**
   * State that is rebuilt by reading again. It says where reading starts for each partition that is assigned, or that begins anew.
   * Records in front of the committed offset come with `isReplayed`: settling them commits nothing and they do not count
   * for `maxUnsettled`. Nothing is committed of a partition until all of them are settled; then each commit carries the
   * note of the state, and a note that has changed is committed also where the offset has not.
   */
  readonly state?: GroupState;
  /**
   * The member commits by transactions alone, each of which stores what was given to `write` as well. Records that are
   * settled otherwise (filtered, taken into a state) count as well.
   */
  readonly transactions?: TransactionOptions;
}

/** How the transactions of a group member are made. */
export interface TransactionOptions {
  /** Of the one that writes them, unique among all gateways: members that follow each other in its place have the same. */
  readonly name: string;
  /** Milliseconds that a record waits at most for others. */
  readonly interval: number;
  /** Bytes of records that end a transaction before that. */
  readonly bytes: number;
}

export type GroupEvent =
  /** The group does not know us, or not any more: what was ours may be another's by now. */
  | { readonly type: 'joining' }
  | {
      readonly type: 'assigned';
      readonly generation: number;
      readonly partitions: readonly TopicPartition[];
      readonly added: readonly TopicPartition[];
      readonly removed: readonly TopicPartition[];
      /** Labels of all members that partitions were assigned to, our own among them; those without one are left out. */
      readonly members: readonly string[];
    }
  | { readonly type: 'rebalancing' }
  | { readonly type: 'failed'; readonly reason: TidegateError }
  | { readonly type: 'left' };

/** A member of a consumer group. An ack moves the committed offset on; a nacked record holds it back until `seek` reads it again. */
export interface GroupMember {
  /** Batches of one partition each. Joining starts with the first subscription and there is only one. */
  readonly batches$: Observable<Batch>;
  readonly events$: Observable<GroupEvent>;
  readonly gaps$: Observable<Gap>;
  /**
   * Reads these topics from now on, some of which are `later` (see the options): the group shares out anew. What stays
   * assigned is read on.
   */
  subscribe(topics: readonly string[], later: readonly string[]): void;
  /** Takes effect within 150 ms; records that were already fetched are still handed over. */
  pause(partitions?: readonly TopicPartition[]): void;
  resume(partitions?: readonly TopicPartition[]): void;
  /** Goes back to (or on to) an offset of a partition that is assigned now; what is in flight from it counts no more. The `state` is not told; what is replayed is replayed again. */
  seek(partition: TopicPartition, offset: number): void;
  /**
   * Records behind the end, by topic and partition, of what is assigned now, as of the last fetch. 0 says that the end was
   * seen and all in front of it was handed over. A partition is left out until its end is known, and while its position is
   * not one in the log.
   */
  lag(): ReadonlyMap<string, ReadonlyMap<number, number>>;
  /**
   * Where the lag of a partition is 0 and all that was handed over of it is settled: milliseconds since the log was asked
   * that said so. What comes after that has been written since. Undefined elsewhere.
   */
  sinceEnd(partition: TopicPartition): number | undefined;
  /**
   * Milliseconds since the last sign of life was sent that the group has answered: the others cannot have been given our
   * partitions before one session timeout after that. Infinity before there was one.
   */
  silentFor(): number;
  /** Ids of the topics that partitions were assigned of, as of the last assignment; those without one are left out. */
  topicIds(): ReadonlyMap<string, string>;
  /**
   * For a member with `transactions`: stores messages that were made from its records in the transaction that commits the
   * offsets of these, and acks them when it is committed. What the log will never take is nacked (a `reject` error), and
   * what was made from records that are another member's by now is acked as `filtered` and not stored. A transaction that
   * fails stored nothing and is made again; where its outcome is not known, `batches$` ends with an error: leave then, and
   * a member that joins in its place goes on from what is committed.
   */
  write(topic: string, messages: readonly Message[]): void;
  /** Commits what is settled now. */
  commit(): Promise<void>;
  /** Commits, then gives the partitions up. */
  leave(): Promise<void>;
}
