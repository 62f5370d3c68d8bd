import type { ReaderFollower } from '../../actors/subscription.ts';
import type { Batch } from '../../core/batch.ts';
import type { ChannelFeed, EarlierPart, Recovery, RecoveryRequest } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { Checkpoint, Gap } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { quote } from '../../core/quote.ts';
import { epochOf } from './feed-epoch.ts';
import { FeedPlaces } from './feed-places.ts';
import { FeedProgress } from './feed-progress.ts';
import type { TopicFeedOptions } from './topic-feed-options.ts';

/** Milliseconds between two tries to learn about the topic. */
const RETRY = 1_000;

/** From the creation of a topic to its end, or until it gets more partitions. */
interface Life {
  readonly id: string | undefined;
  /** Where reading began. */
  readonly starts: FeedPlaces;
}

/**
 * The positions of the channels that one pipeline feeds from one topic. They are known while its reader is live, as long as
 * every record is where the name of its channel says.
 */
export class TopicFeed implements ChannelFeed, ReaderFollower {
  readonly name: string;
  private readonly options: TopicFeedOptions;
  private life: Life | undefined;
  private isOff = false;
  private isClosed = false;
  private isKnown = false;
  /** Counts what was learnt of the topic: an earlier look has no effect. */
  private looks = 0;
  private cancelRetry: () => void = () => {};
  private readonly progress: FeedProgress;

  constructor(options: TopicFeedOptions) {
    this.options = options;
    this.name = options.name;
    const { admin, topic, inFlight, clock } = options;
    this.progress = new FeedProgress({ topic, ends: () => admin.offsets(topic), inFlight, clock });
  }

  placeOf(channel: string): ChannelPosition | undefined {
    return this.life?.starts.of(channel);
  }

  startOf(partition: number): ChannelPosition | undefined {
    return this.life?.starts.in(partition);
  }

  contradicted(channel: string, { partition, offset }: Message): void {
    if (this.life === undefined) return;
    this.forget('unavailable');
    const why = `record ${offset} of partition ${partition} is for the channel ${quote(channel)}, whose records should be in another partition: its producer does not use the partitioner of Kafka's own clients, or a processor has changed the key`;
    void this.lookAgain(why);
  }

  mixed(channel: string): void {
    this.end(`the channel ${quote(channel)} gets records of another pipeline, or of a plugin`);
  }

  reaches({ epoch, partition, offset }: ChannelPosition, signal: AbortSignal): Promise<boolean | undefined> {
    if (this.life?.starts.epoch !== epoch || this.isClosed) return Promise.resolve(undefined);
    return this.progress.waits.until(partition, offset, signal);
  }

  readAgain(request: RecoveryRequest): Promise<Recovery> {
    const { life } = this;
    if (life === undefined) return Promise.resolve({ lost: 'unavailable' });
    if (request.since.epoch !== life.starts.epoch) return Promise.resolve({ lost: 'epoch' });
    return this.options.recoveries?.read(request, life.id) ?? Promise.resolve({ lost: 'unavailable' });
  }

  /** What was read again, for whatever channel. */
  extend(part: EarlierPart): void {
    if (this.life !== undefined && !this.isClosed) this.options.channels.extend(this, this.life.starts.epoch, part);
  }

  // --- from the reader of the pipeline

  /** It is live, or live again after the pipeline broke: then what was in flight is lost. */
  live(at: () => Checkpoint): void {
    const { id, offsets } = at().get(this.options.topic) ?? {};
    if (offsets === undefined) return;
    this.progress.follow(at);
    this.progress.gaps.clear();
    if (this.life !== undefined && id === this.progress.id && offsets.size === this.progress.next.length) {
      for (const [partition, offset] of offsets)
        if (offset !== this.progress.next[partition]) this.goOn(partition, offset);
      return;
    }
    this.forget('epoch');
    this.progress.id = id;
    this.progress.next = Array.from({ length: offsets.size }, (_, partition) => offsets.get(partition) ?? 0);
    this.begin();
  }

  polled({ messages: [first] }: Batch, at: () => Checkpoint): void {
    if (first === undefined || first.partition < this.progress.next.length || this.isOff) return;
    const { id, offsets } = at().get(this.options.topic) ?? {};
    if (offsets === undefined) return;
    this.progress.id = id;
    this.grow(offsets.size);
  }

  gap({ partition, from, to, recreated }: Gap, at: () => Checkpoint): void {
    if (recreated === true) {
      this.forget('epoch');
      this.whenSettled(() => this.live(at));
    } else if (to < from) this.end(`its partition ${partition} has lost records at its end`);
    else {
      this.progress.gaps.set(partition, to);
      this.whenSettled(() => this.passGap(partition));
    }
  }

  // --- from the sink of the pipeline

  /** Before the endpoint gets records. Returns whether they have positions. */
  passes({ messages }: Batch): boolean {
    for (let at = 0; at < messages.length; at += 1) {
      const { topic, partition, offset } = messages[at] as Message;
      if (topic !== this.options.topic) continue;
      if (offset >= (this.progress.gaps.get(partition) ?? Number.POSITIVE_INFINITY)) this.passGap(partition);
      if (offset >= (this.progress.next[partition] ?? Number.POSITIVE_INFINITY))
        this.progress.moveTo(partition, offset + 1);
      else if (this.life !== undefined)
        this.end(
          `record ${offset} of partition ${partition} came behind a later one, or twice: a processor makes several messages of one, or changes their order`,
        );
    }
    return this.life !== undefined;
  }

  // --- from the pipeline

  /** It breaks, or is closed: what is in flight is lost. */
  breaking(): void {
    this.progress.rest();
  }

  /**
   * The pipeline is gone. What is known of its channels stays so until they are let go of: the next feed of its name goes on there.
   * Resolves when nothing reads for it any more. Never rejects.
   */
  async close(): Promise<void> {
    this.leave();
    this.isClosed = true;
    this.cancelRetry();
    this.progress.waits.endAll();
    this.nowKnown();
    await this.options.recoveries?.close();
  }

  detach(): void {
    this.life = undefined;
    this.options.channels.detach(this);
  }

  // --- within

  /** Calls back when no record is in flight, unless something else was learnt of the topic by then. */
  private whenSettled(then: () => void): void {
    const { looks } = this;
    void this.options.settled().then(() => {
      if (looks === this.looks && !this.isClosed && !this.isOff) then();
    });
  }

  private passGap(partition: number): void {
    const to = this.progress.gaps.get(partition);
    if (to === undefined) return;
    this.progress.gaps.delete(partition);
    this.goOn(partition, Math.max(to, this.progress.next[partition] ?? 0));
  }

  /** Records of that partition in front of `offset` are lost. */
  private goOn(partition: number, offset: number): void {
    const { life } = this;
    this.progress.next[partition] = offset;
    if (life === undefined) return;
    this.options.channels.gap(this, life.starts.move(partition, offset));
  }

  /** Partitions that came are read from their first record. */
  private grow(partitions: number): void {
    this.forget('epoch');
    this.progress.next = Array.from({ length: partitions }, (_, partition) => this.progress.next[partition] ?? 0);
    this.begin();
  }

  /** A record is where it cannot be: the topic has more partitions than it had, or positions say nothing. */
  private async lookAgain(why: string): Promise<void> {
    this.looks += 1;
    const { looks } = this;
    const { admin, topic } = this.options;
    const description = await admin.describe(topic).catch(() => undefined);
    if (looks !== this.looks || this.isClosed || this.isOff) return;
    if (description !== undefined && description.partitions > this.progress.next.length)
      this.grow(description.partitions);
    else this.end(why);
  }

  /** A new life, from what has come here by then on. */
  private begin(): void {
    if (this.isOff || this.isClosed) return;
    this.looks += 1;
    const { looks } = this;
    const { admin, clock } = this.options;
    admin.clusterId().then(
      (cluster) => {
        if (looks === this.looks && !this.isClosed && !this.isOff) this.attach(cluster);
      },
      () => {
        this.cancelRetry();
        this.cancelRetry = clock.after(RETRY, () => {
          if (looks === this.looks) this.begin();
        });
      },
    );
  }

  private attach(cluster: string): void {
    const { topic, channels, names, isByKey, isDoubted } = this.options;
    const { id, next } = this.progress;
    const { length } = next;
    if (length > 1 && !isByKey) {
      const why = `it has ${length} partitions, and the name of a channel does not say in which of them its records are`;
      this.end(why, isDoubted);
      return;
    }
    const epoch = epochOf({ cluster, topic, id, partitions: length });
    this.life = { id, starts: new FeedPlaces(names, epoch, next) };
    channels.attach(this);
    this.nowKnown();
  }

  /** Positions are off for good, also those of the feed whose place it takes. */
  private end(why: string, isKnown = false): void {
    if (this.isOff || this.isClosed) return;
    this.isOff = true;
    const { topic, channels, logger } = this.options;
    this.forget('unavailable');
    channels.detach(this);
    this.nowKnown();
    if (isKnown) return;
    logger.warn(
      { topic },
      `channels of the topic ${topic} have no positions, so that clients cannot recover what they miss: ${why}`,
    );
  }

  private nowKnown(): void {
    if (this.isKnown) return;
    this.isKnown = true;
    this.options.known();
  }

  private forget(reason: 'epoch' | 'unavailable'): void {
    this.leave();
    this.life = undefined;
    this.progress.waits.endAll();
    this.options.recoveries?.loseAll(reason);
  }

  /** Nothing more comes of this life. */
  private leave(): void {
    const { life, isClosed } = this;
    if (life !== undefined && !isClosed) this.options.channels.ended(this, life.starts.at(this.progress.next));
  }
}
