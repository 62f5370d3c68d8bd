import type { ChannelEndpoint } from '../../actors/endpoint/channel-port.ts';
import type { Lost } from '../../core/channel-feed.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { SharedFrame } from '../../core/shared-frame.ts';
import { pause } from '../../core/waiting.ts';
import type { FeedPartition } from '../history/feed-partition.ts';
import type { LossLabel } from '../subscribers/metrics.ts';
import type { PendingSubscription } from '../subscribers/subscribed-client.ts';
import { type Beginning, isHere, type Missed, type MissedPart } from './beginning.ts';

/** Where it goes on once the log was read. */
export interface RecoveryEnd {
  /** Where a channel is now. */
  placeOf(channel: string): FeedPartition | undefined;
  /** Whether all that is missing is kept. */
  isKept(missed: Missed): boolean;
  /** What is kept of a channel does not go until `release`, as long as there is room. */
  hold(channel: string): void;
  release(channel: string): void;
  /** The offset from which on nothing of the channel is missing in what is kept. */
  sinceOf(part: MissedPart, place: FeedPartition): number;
  /** The frame of a record that was read again; null: not for clients. */
  frameOf(channel: string, message: Message, place: FeedPartition): SharedFrame | null;
  /** The client gets what it has missed, all of which is kept or read by now. */
  goOn(beginning: Beginning, missed: Missed, by: 'ring' | 'log'): void;
  /** The client cannot get all that it has missed. */
  lose(beginning: Beginning, reason: LossLabel): void;
  /** The same where its place is over by now. */
  loseEach(beginning: Beginning): void;
}

/** Meanwhile what is kept may lose its oldest records: how often these are read, too. */
const MAX_ROUNDS = 4;

/** Milliseconds for which a client waits that has more records than this gateway has read, where the log is not read again. */
const TIMEOUT = 3_000;
/** Milliseconds between two tries while the pipeline starts again or is replaced. */
const RETRY = 50;

/**
 * A subscription that waits until this gateway has read as far as its client has got records from another one, and until what the
 * client has missed is read from the log again.
 */
export class Recovering implements PendingSubscription {
  private beginning: Beginning;
  private readonly missed: Missed;
  private readonly subscribing: RecoveryEnd;
  private readonly endpoint: ChannelEndpoint;
  private readonly abort = new AbortController();
  private readonly clock: Clock;
  private readonly isReadAgain: boolean;
  private readonly cancelTimer: () => void;
  /** Bytes. */
  private held = 0;
  /** Channels of which nothing that is kept may go meanwhile. */
  private readonly kept: string[] = [];
  /** Whether this gateway has read as far as the client has. */
  private hasArrived: boolean;

  /** `recover`: undefined where the log is not read again; `timeout`: milliseconds. */
  constructor(
    beginning: Beginning,
    missed: Missed,
    subscribing: RecoveryEnd,
    endpoint: ChannelEndpoint,
    clock: Clock,
    recover: { readonly timeout: number } | undefined,
  ) {
    this.beginning = beginning;
    this.missed = missed;
    this.subscribing = subscribing;
    this.endpoint = endpoint;
    this.clock = clock;
    this.hasArrived = isHere(missed);
    this.isReadAgain = recover !== undefined;
    this.cancelTimer = clock.after(recover?.timeout ?? TIMEOUT, () =>
      this.lose(this.hasArrived ? 'unavailable' : 'future'),
    );
    beginning.member.awaits(this);
    this.run().catch((error: unknown) => {
      this.end();
      beginning.member.client.failed(error);
    });
  }

  get channels(): readonly string[] {
    return this.beginning.channels;
  }

  leave(channel: string): void {
    const { member, correlation, isAsked } = this.beginning;
    this.beginning = { ...this.beginning, channels: this.channels.filter((one) => one !== channel) };
    this.missed.parts = this.missed.parts.filter((part) => part.channel !== channel);
    if (this.channels.length === 0) this.end();
    if (isAsked) member.client.refused(channel, correlation, new TidegateError('TG_NOT_SUBSCRIBED', LEFT));
  }

  end(): void {
    this.cancelTimer();
    this.hold(-this.held);
    for (const channel of this.kept.splice(0)) this.subscribing.release(channel);
    this.abort.abort();
    this.beginning.member.awaitsNoMore(this);
  }

  private get isOver(): boolean {
    return this.abort.signal.aborted;
  }

  private async run(): Promise<void> {
    if (this.hasArrived) return this.readAll();
    const isThere = await this.arrive();
    if (this.isOver) return;
    if (!isThere) return this.lose('future');
    this.hasArrived = true;
    this.endpoint.sendWaiting();
    if (this.missed.place.isOver) return this.lose();
    if (this.subscribing.isKept(this.missed)) return this.goOn('ring');
    if (!this.isReadAgain) return this.lose('not_kept');
    await this.readAll();
  }

  /** Waits until this gateway has read as far as the client. False: the log ends before that. */
  private async arrive(): Promise<boolean> {
    const { place, offset } = this.missed;
    while (!this.isOver && !place.isOver && !isHere(this.missed)) {
      const reached = await place.owner.feed.reaches(place.at(offset), this.abort.signal);
      if (this.isOver || reached === false) return false;
      if (reached) place.reached(offset);
      else if (this.channels.some((channel) => this.subscribing.placeOf(channel) !== place)) return false;
      else await pause(this.clock, RETRY, this.abort.signal);
    }
    return !this.isOver;
  }

  private goOn(by: 'ring' | 'log'): void {
    this.subscribing.goOn(this.beginning, this.missed, by);
    this.end();
  }

  private async readAll(): Promise<void> {
    for (const { channel } of this.missed.parts) {
      this.subscribing.hold(channel);
      this.kept.push(channel);
    }
    let lost: Lost | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      lost = await this.readMissing();
      // The pipeline is being replaced: the next one reads on.
      while (lost === 'closed' && !this.isOver && !this.missed.place.isOver) {
        await pause(this.clock, RETRY, this.abort.signal);
        lost = await this.readMissing();
      }
      if (this.isOver) return;
      if (lost !== undefined || this.missed.place.isOver) break;
      this.endpoint.sendWaiting();
      if (this.subscribing.isKept(this.missed)) return this.goOn('log');
    }
    this.lose(lost === 'closed' ? 'unavailable' : lost);
  }

  /** Returns why it cannot be read. */
  private async readMissing(): Promise<Lost | undefined> {
    const { parts, place } = this.missed;
    const reading = parts.map((part) => this.read(part, this.subscribing.sinceOf(part, place)));
    return (await Promise.all(reading)).find((lost) => lost !== undefined);
  }

  private async read(part: MissedPart, until: number): Promise<Lost | undefined> {
    const { channel, from } = part;
    if (until <= from) return undefined;
    const { place } = this.missed;
    const { room } = this.beginning.member.client;
    const since = place.at(from);
    const recovery = await place.owner.feed.readAgain({
      channel,
      since,
      until,
      bytes: room,
      signal: this.abort.signal,
    });
    if ('lost' in recovery) return recovery.lost;
    for (const message of recovery.messages) {
      const { offset } = message.source ?? message;
      const frame = this.subscribing.frameOf(channel, message, place);
      if (frame === null) continue;
      part.read.push({ frame, offset });
      this.hold(frame.size);
    }
    part.from = until;
    return undefined;
  }

  /** Bytes of frames that wait for the others. */
  private hold(bytes: number): void {
    this.held += bytes;
    this.endpoint.memory.recovering(bytes);
  }

  private lose(reason: LossLabel = 'unavailable'): void {
    this.end();
    // Positions of before may mean nothing any more, or records behind them be lost.
    if (this.missed.place.isOver) this.subscribing.loseEach(this.beginning);
    else this.subscribing.lose(this.beginning, reason);
  }
}

const LEFT = 'the subscription has ended before it began';
