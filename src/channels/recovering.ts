import type { ChannelEndpoint } from '../actors/endpoint/channel-port.ts';
import type { LossReason } from '../core/channel-feed.ts';
import type { Clock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';
import type { Beginning, Missed, MissedPart } from './beginning.ts';
import type { FeedPartition } from './feed-partition.ts';
import type { PendingSubscription } from './subscribed-client.ts';

/** Where it goes on once the log was read. */
export interface RecoveryEnd {
  /** Whether all that is missing is kept. */
  isKept(missed: Missed): boolean;
  /** The offset from which on nothing of the channel is missing in what is kept. */
  sinceOf(part: MissedPart, place: FeedPartition): number;
  /** The client gets what it has missed, all of which is kept or read by now. */
  goOn(beginning: Beginning, missed: Missed, by: 'log'): void;
  /** The client cannot get all that it has missed. */
  lose(beginning: Beginning, reason: LossReason): void;
  /** The same where its place is over by now. */
  loseEach(beginning: Beginning): void;
}

/** Meanwhile what is kept may lose its oldest records: how often these are read, too. */
const MAX_ROUNDS = 4;

/** A subscription that waits until what its client has missed is read from the log again. */
export class Recovering implements PendingSubscription {
  private beginning: Beginning;
  private readonly missed: Missed;
  private readonly subscribing: RecoveryEnd;
  private readonly endpoint: ChannelEndpoint;
  private readonly abort = new AbortController();
  private readonly cancelTimer: () => void;

  /** `timeout`: milliseconds. */
  constructor(
    beginning: Beginning,
    missed: Missed,
    subscribing: RecoveryEnd,
    endpoint: ChannelEndpoint,
    clock: Clock,
    timeout: number,
  ) {
    this.beginning = beginning;
    this.missed = missed;
    this.subscribing = subscribing;
    this.endpoint = endpoint;
    this.cancelTimer = clock.after(timeout, () => this.lose('unavailable'));
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
    this.abort.abort();
    this.beginning.member.awaitsNoMore(this);
  }

  private get isOver(): boolean {
    return this.abort.signal.aborted;
  }

  private async run(): Promise<void> {
    let lost: LossReason | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      lost = await this.readMissing();
      if (this.isOver) return;
      if (lost !== undefined || this.missed.place.isOver) break;
      this.endpoint.sendWaiting();
      if (!this.subscribing.isKept(this.missed)) continue;
      this.end();
      this.subscribing.goOn(this.beginning, this.missed, 'log');
      return;
    }
    this.lose(lost);
  }

  /** Returns why it cannot be read. */
  private async readMissing(): Promise<LossReason | undefined> {
    const { parts, place } = this.missed;
    const reading = parts.map((part) => this.read(part, this.subscribing.sinceOf(part, place)));
    return (await Promise.all(reading)).find((lost) => lost !== undefined);
  }

  private async read(part: MissedPart, until: number): Promise<LossReason | undefined> {
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
      const frame = this.endpoint.recovered(channel, message, place.at(offset + 1));
      if (frame !== null) part.read.push({ frame, offset });
    }
    part.from = until;
    return undefined;
  }

  private lose(reason: LossReason = 'unavailable'): void {
    this.end();
    // Positions of before may mean nothing any more, or records behind them be lost.
    if (this.missed.place.isOver) this.subscribing.loseEach(this.beginning);
    else this.subscribing.lose(this.beginning, reason);
  }
}

const LEFT = 'the subscription has ended before it began';
