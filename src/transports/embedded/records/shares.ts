import { TidegateError } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import { partitionOfKey } from '../../../core/partitioner.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { BATCH_HEADER, encodeBatches, type Outgoing, outgoing } from './batch-format.ts';
import type { Append } from './records.ts';
import { hasPolicy, numberSetting, type TopicState } from './topic-state.ts';

/** The records of one partition in a send, and which messages of the send they are. */
export interface Share {
  readonly records: Outgoing[];
  readonly messages: Message[];
}

/** By partition. */
export type Shares = ReadonlyMap<number, Share>;

export interface SharingParts {
  readonly propagation?: Propagation | undefined;
  /** Largest record in bytes where the topic does not say. */
  readonly maxRecord: number;
}

/** Which partition of a topic takes a message, and whether any does. */
export class Sharing {
  private readonly parts: SharingParts;
  private nextKeyless = 0;

  constructor(parts: SharingParts) {
    this.parts = parts;
  }

  /** Fixes the partition of every message; `refused` is called with those that cannot be stored, and their place in the list. */
  share(
    topic: TopicState,
    messages: readonly Message[],
    now: number,
    refused: (index: number, failure: TidegateError) => void,
  ): Shares {
    const count = topic.partitions.length;
    const shares = new Map<number, Share>();
    for (const [index, message] of messages.entries()) {
      const record = outgoing(message, now, this.parts.propagation);
      const failure = this.refusalOf(topic, record);
      if (failure !== undefined) {
        refused(index, failure);
        continue;
      }
      const partition = message.key === null ? this.nextKeyless++ % count : partitionOfKey(message.key, count);
      let share = shares.get(partition);
      if (share === undefined) {
        share = { records: [], messages: [] };
        shares.set(partition, share);
      }
      share.records.push(record);
      share.messages.push(message);
    }
    return shares;
  }

  /** Why the topic will never take the message. */
  refusal(topic: TopicState, message: Message): TidegateError | undefined {
    return this.refusalOf(topic, outgoing(message, 0, this.parts.propagation));
  }

  private refusalOf(topic: TopicState, record: Outgoing): TidegateError | undefined {
    const bytes = record.bytes + BATCH_HEADER;
    const limit = numberSetting(topic, 'max.message.bytes', this.parts.maxRecord);
    if (bytes > limit) {
      return new TidegateError(
        'TG_RECORD_TOO_LARGE',
        `a record of ${bytes} bytes is larger than the topic ${topic.name} takes (${limit})`,
      );
    }
    if (record.message.key === null && hasPolicy(topic, 'compact')) {
      return new TidegateError('TG_RECORD_REFUSED', `the topic ${topic.name} is compacted: its records need a key`);
    }
    return undefined;
  }
}

/** What is stored of the shares of one topic, in their order. */
export function appendsOf(topic: TopicState, shares: Shares): Append[] {
  const appends: Append[] = [];
  for (const [index, { records, messages }] of shares) {
    const partition = topic.partitions[index];
    if (partition !== undefined) appends.push({ partition, batches: encodeBatches(records), messages });
  }
  return appends;
}

/** The messages of a share have their place in the log. */
export function place({ messages }: Share, topic: string, partition: number, base: number): void {
  for (const [delta, message] of messages.entries()) {
    message.topic = topic;
    message.partition = partition;
    message.offset = base + delta;
  }
}

export function missingTopic(topic: string): TidegateError {
  return new TidegateError('TG_TOPIC_MISSING', `there is no topic ${topic}; create it first`);
}
