import type { ChannelEndpoint, SubscribeRequest } from '../../actors/endpoint/channel-port.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { SubscriptionFacts } from '../../core/channel-protocol.ts';
import type { Clock } from '../../core/clock.ts';
import type { KeptQuery, KeptRecords } from '../../core/kept-records.ts';
import type { Message } from '../../core/message.ts';
import { FrameGroup, type SharedFrame } from '../../core/shared-frame.ts';
import { type ChannelHistory, inOrder } from '../history/channel-history.ts';
import type { FeedPartition } from '../history/feed-partition.ts';
import { keptRecords } from '../history/kept-page.ts';
import type { LossLabel, RecoveryMetrics } from '../subscribers/metrics.ts';
import type { SubscribedClient } from '../subscribers/subscribed-client.ts';
import { type Beginning, isHere, type Missed, MissedPart } from './beginning.ts';
import { Recovering, type RecoveryEnd } from './recovering.ts';

/**
 * How clients come into channels that have a history. All is done in one turn of the event loop, without a record between what
 * the client gets of before and what it gets from now on, and without one in both.
 */
export class Subscribing implements RecoveryEnd {
  private readonly history: ChannelHistory;
  private readonly endpoint: ChannelEndpoint;
  private readonly clock: Clock;
  private readonly metrics: RecoveryMetrics;

  constructor(history: ChannelHistory, endpoint: ChannelEndpoint, clock: Clock, metrics: RecoveryMetrics) {
    this.history = history;
    this.endpoint = endpoint;
    this.clock = clock;
    this.metrics = metrics;
  }

  /** Channels that a client joins. `shown`: positions of its handshake; undefined: it has shown none. */
  join(member: SubscribedClient, channels: readonly string[], shown: readonly ChannelPosition[] | undefined): void {
    const byPlace = new Map<FeedPartition | undefined, string[]>();
    for (const channel of channels) {
      const place = this.history.placeOf(channel);
      const others = byPlace.get(place);
      if (others === undefined) byPlace.set(place, [channel]);
      else others.push(channel);
    }
    for (const [place, together] of byPlace) {
      const since = shown && (shown.find((position) => place?.has(position)) ?? null);
      this.begin({ member, channels: together, place, since, correlation: undefined, isAsked: false });
    }
  }

  /** A frame asks for a channel. */
  ask(member: SubscribedClient, { channel, since, correlation }: SubscribeRequest): void {
    this.begin({
      member,
      channels: [channel],
      place: this.history.placeOf(channel),
      since,
      correlation,
      isAsked: true,
    });
  }

  /** Where a client is now that is in the channel already. */
  positionNow(channel: string): ChannelPosition | undefined {
    this.endpoint.sendWaiting();
    const place = this.history.placeOf(channel);
    return place?.at(place.next);
  }

  placeOf(channel: string): FeedPartition | undefined {
    return this.history.placeOf(channel);
  }

  /** What is kept of a channel. */
  kept(channel: string, query: KeptQuery, room: number): KeptRecords {
    return keptRecords(this.history, channel, query, room, this.clock.now());
  }

  isKept({ place, parts }: Missed): boolean {
    return parts.every((part) => this.sinceOf(part, place) <= part.from);
  }

  sinceOf({ channel }: MissedPart, place: FeedPartition): number {
    return this.history.ring.sinceOf(channel, place, this.clock.now());
  }

  hold(channel: string): void {
    this.history.ring.hold(channel);
  }

  release(channel: string): void {
    this.history.ring.release(channel);
  }

  frameOf(channel: string, message: Message, place: FeedPartition): SharedFrame | null {
    return this.history.recovered.of(channel, message, place);
  }

  goOn(beginning: Beginning, { place, offset, parts }: Missed, by: 'ring' | 'log'): void {
    const { client } = beginning.member;
    const lists = parts.flatMap(({ channel, read, from }) => [read, this.history.ring.from(channel, place, from)]);
    const frames = inOrder(lists).map(({ frame }) => frame);
    if (client.fitting(frames).length < frames.length) {
      this.lose(beginning, 'too_many');
      return;
    }
    this.metrics.recovered[by].value += parts.length;
    enter(beginning, { position: place.at(offset), recovered: true }, frames);
  }

  lose(beginning: Beginning, reason: LossLabel): void {
    this.endpoint.sendWaiting();
    this.metrics.lost[reason].value += beginning.channels.length;
    this.beginAnew(beginning, false);
  }

  loseEach(beginning: Beginning): void {
    for (const channel of beginning.channels) {
      const place = this.history.placeOf(channel);
      const isSame = place !== undefined && place.epoch === beginning.place?.epoch;
      this.lose({ ...beginning, channels: [channel], place }, isSame ? 'expired' : 'epoch');
    }
  }

  private begin(beginning: Beginning): void {
    // What came before goes to those who are subscribed by now; it is kept as well.
    this.endpoint.sendWaiting();
    const { since } = beginning;
    const missed = since === undefined ? undefined : missedSince(since, beginning);
    if (missed === undefined) this.beginAnew(beginning);
    else if (typeof missed === 'string') this.lose(beginning, missed);
    else if (isHere(missed) && this.isKept(missed)) this.goOn(beginning, missed, 'ring');
    else this.wait(beginning, missed);
  }

  private wait(beginning: Beginning, missed: Missed): void {
    const { recover } = this.history.settings;
    if (recover === undefined && isHere(missed)) this.lose(beginning, 'not_kept');
    else new Recovering(beginning, missed, this, this.endpoint, this.clock, recover);
  }

  private beginAnew(beginning: Beginning, recovered?: false): void {
    const { member, channels, place } = beginning;
    const kept = this.history.initial(channels, place, this.clock.now());
    const frames = member.client.fitting(kept.map(({ frame }) => frame));
    const first = kept[kept.length - frames.length];
    enter(beginning, { position: place?.at(first === undefined ? place.next : first.offset), recovered }, frames);
  }
}

/** What a client has missed that shows that position, or why it cannot be said. */
function missedSince(since: ChannelPosition | null, { place, channels }: Beginning): Missed | LossLabel {
  if (place === undefined || since === null) return 'no_position';
  if (!place.has(since)) return 'epoch';
  const { offset } = since;
  return { place, offset, parts: channels.map((channel) => new MissedPart(channel, offset)) };
}

/** From here on, until the next turn, nothing comes in the channels. */
function enter(
  { member, channels, correlation, isAsked }: Beginning,
  facts: SubscriptionFacts,
  frames: readonly SharedFrame[],
) {
  // The position of a channel that it joins is one in the others, too, of which records may wait for it.
  const said = isAsked || !member.client.isBehind ? facts : { ...facts, position: undefined };
  for (const channel of channels) member.client.subscribed(channel, correlation, said);
  if (frames.length > 0) member.client.deliver(new FrameGroup(frames), frames.length > 1);
  for (const channel of channels) member.isIn(channel);
}
