import type { ChannelFeed, FeedEnd, Recovery, RecoveryRequest } from '../../../src/core/channel-feed.ts';
import type { ChannelPosition } from '../../../src/core/channel-position.ts';
import { Message } from '../../../src/core/message.ts';

interface Awaited {
  readonly position: ChannelPosition;
  readonly signal: AbortSignal;
  readonly resolve: (isThere: boolean | undefined) => void;
}

interface Asked {
  readonly request: RecoveryRequest;
  readonly resolve: (recovery: Recovery) => void;
}

/** A feed over a log in memory: a channel is in the partition of the first letter of its name. */
export class FakeFeed implements ChannelFeed {
  readonly name: string;
  epoch: string;
  /** Offset from which each partition is read live. */
  start = 0;
  readonly contradictions: string[] = [];
  /** What was asked for and is not answered. */
  asked: Asked[] = [];
  /** Positions that clients wait for. */
  awaited: Awaited[] = [];
  private readonly partitions: number;
  private readonly log = new Map<number, { readonly channel: string; readonly message: Message }[]>();

  constructor({ name = 'feed', epoch = 'e', partitions = 1 } = {}) {
    this.name = name;
    this.epoch = epoch;
    this.partitions = partitions;
  }

  partitionOf(channel: string): number {
    return channel.charCodeAt(0) % this.partitions;
  }

  placeOf(channel: string): ChannelPosition | undefined {
    if (this.contradictions.length > 0 || !/^[a-z]/.test(channel)) return undefined;
    return this.position(channel, this.start);
  }

  startOf(partition: number): ChannelPosition | undefined {
    return { epoch: this.epoch, partition, offset: this.start };
  }

  /** Its channels are left at that offset of each partition, in what it reads now. */
  endAt(offset: number): FeedEnd {
    const { epoch } = this;
    return {
      of: (channel) => (/^[a-z]/.test(channel) ? { epoch, partition: this.partitionOf(channel), offset } : undefined),
      in: (partition) => ({ epoch, partition, offset }),
    };
  }

  position(channel: string, offset: number): ChannelPosition {
    return { epoch: this.epoch, partition: this.partitionOf(channel), offset };
  }

  contradicted(channel: string): void {
    this.contradictions.push(channel);
  }

  mixed(channel: string): void {
    this.contradictions.push(`mixed ${channel}`);
  }

  reaches(position: ChannelPosition, signal: AbortSignal): Promise<boolean | undefined> {
    return new Promise((resolve) => this.awaited.push({ position, signal, resolve }));
  }

  /** Answers the oldest that waits for a position. */
  arrives(isThere: boolean | undefined): void {
    this.awaited.shift()?.resolve(isThere);
  }

  readAgain(request: RecoveryRequest): Promise<Recovery> {
    return new Promise((resolve) => this.asked.push({ request, resolve }));
  }

  /** Answers the oldest request, or with why not. */
  answer(recovery?: Recovery): void {
    const next = this.asked.shift();
    next?.resolve(recovery ?? { messages: this.read(next.request) });
  }

  /** The next record of a channel. */
  append(channel: string, payload: string, partition = this.partitionOf(channel)): Message {
    const records = this.log.get(partition) ?? [];
    this.log.set(partition, records);
    const message = new Message(Buffer.from(payload), {
      topic: 'topic',
      partition,
      offset: records.length,
      timestamp: 1_000_000 + records.length,
    });
    records.push({ channel, message });
    return message;
  }

  /** The topic is created anew. */
  recreate(epoch: string): void {
    this.epoch = epoch;
    this.start = 0;
    this.log.clear();
  }

  private read({ channel, since, until }: RecoveryRequest): Message[] {
    const records = this.log.get(since.partition) ?? [];
    return records.slice(since.offset, until).flatMap((one) => (one.channel === channel ? [one.message] : []));
  }
}
