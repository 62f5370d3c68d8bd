import type { ChannelPosition } from '../../core/channel-position.ts';
import type { ChannelProtocol, SubscriptionFacts } from '../../core/channel-protocol.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import { type Rejection, TidegateError } from '../../core/errors.ts';
import type { Frame } from '../../core/frame.ts';
import type { Identity } from '../../core/identity.ts';
import type { KeptQuery } from '../../core/kept-records.ts';
import type { Permissions } from '../../core/permissions.ts';
import { type FrameGroup, type SharedFrame, SILENT } from '../../core/shared-frame.ts';
import type { Answers } from './answers.ts';
import type { ChannelClient, ChannelMember, EndpointChannels, SubscribeRequest } from './channel-port.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { Gathering } from './gathering.ts';
import type { Outbound } from './outbound.ts';
import type { Peer } from './peer.ts';
import { rejectionOf } from './publisher.ts';

type Positions = ReadonlyMap<string, ChannelPosition | null>;
/** What is known of the channels of a client that is in none. */
export const NO_CHANNELS: ReadonlyMap<string, SubscriptionFacts> = new Map();

/** The connection, which gives records to its client. */
export type ChannelOwner = Peer & Pick<ChannelClient, 'deliver' | 'room'>;

/** A connection whose client is subscribed to channels: what it asks for, and what it is answered. */
export class ChannelPeer implements ChannelClient {
  private readonly peer: ChannelOwner;
  private readonly context: EndpointContext;
  private readonly answers: Answers;
  private readonly outbound: Pick<Outbound, 'leave' | 'queuedBytes'>;
  private readonly member: ChannelMember;
  /** Until it is let in, in protocols with an introduction. */
  private gathering: Gathering | undefined;
  /** Positions of its handshake, until it is let in. */
  private shown: readonly ChannelPosition[] | undefined;

  constructor(
    peer: ChannelOwner,
    context: EndpointContext,
    channels: EndpointChannels,
    answers: Answers,
    outbound: Pick<Outbound, 'leave' | 'queuedBytes'>,
  ) {
    this.peer = peer;
    this.context = context;
    this.answers = answers;
    this.outbound = outbound;
    const isIn = context.codec.introduction === undefined;
    this.member = channels.enter(this, isIn ? (peer.session?.access.channels ?? []) : []);
  }

  get info(): ConnectionInfo {
    return this.peer.info;
  }

  get identity(): Identity | undefined {
    return this.peer.session?.access.identity;
  }

  get permissions(): Permissions {
    return this.peer.permissions;
  }

  /** The socket is gone. */
  gone(): void {
    this.member.leave();
  }

  /**
   * The client is to be in these channels when it is let in. `since`: where it says that it is in some of them. Calls back once all
   * are settled; records of them wait until `release`.
   */
  gather(channels: readonly string[], since: Positions | undefined, then: () => void): void {
    this.member.admitted(undefined);
    if (channels.length === 0) {
      then();
      return;
    }
    this.gathering = new Gathering(channels, () => this.gathered(then));
    for (const channel of channels) this.member.join({ channel, since: since?.get(channel) });
  }

  /** What is known of them. */
  get joined(): ReadonlyMap<string, SubscriptionFacts> {
    return this.gathering?.facts ?? NO_CHANNELS;
  }

  /** The client knows that it is in. */
  release(): void {
    const { gathering } = this;
    this.gathering = undefined;
    for (const { group, isOwn } of gathering?.takeWaiting() ?? []) this.peer.deliver(group, isOwn);
  }

  /** The client is known by another identity from now on: it hears which of its subscriptions have ended with that. */
  accessChanged(joined: readonly string[]): void {
    for (const channel of this.member.renew(joined)) {
      const reason = new TidegateError('TG_NOT_ALLOWED', 'the new token does not allow this subscription');
      this.left(channel, undefined, rejectionOf(reason));
    }
  }

  /** The client shows these positions in its handshake. */
  shows(positions: readonly ChannelPosition[]): void {
    this.shown = positions;
  }

  /** The client is let in. */
  admitted(): void {
    const { shown } = this;
    this.shown = undefined;
    this.member.admitted(shown);
  }

  subscribe(request: SubscribeRequest): void {
    const refusal = this.member.subscribe(request);
    if (refusal !== undefined) this.refused(request.channel, request.correlation, refusal);
  }

  unsubscribe(channel: string, correlation: unknown): void {
    const refusal = this.member.unsubscribe(channel);
    if (refusal !== undefined) this.refused(channel, correlation, refusal);
    else this.left(channel, correlation, null);
  }

  subscribed(channel: string, correlation: unknown, facts: SubscriptionFacts): void {
    if (this.gathering !== undefined) {
      this.gathering.settle(channel, facts);
      return;
    }
    const { position } = facts;
    this.say(
      'subscribed',
      (protocol, now) => protocol.subscribed(this.peer.state, correlation, channel, facts, now),
      position,
    );
  }

  refused(channel: string, correlation: unknown, refusal: TidegateError): void {
    if (this.gathering !== undefined) {
      this.gathering.settle(channel, undefined);
      return;
    }
    this.say('refused', (protocol, now) =>
      protocol.refused(this.peer.state, correlation, channel, rejectionOf(refusal), now),
    );
  }

  /** Says which clients are in a channel, or only how many. */
  presence(channel: string, counts: boolean, correlation: unknown): void {
    const found = this.member.presence(channel, counts);
    if (found instanceof TidegateError) this.refused(channel, correlation, found);
    else
      this.say('presence', ({ presence }, now) =>
        presence === undefined ? null : presence.answered(this.peer.state, correlation, channel, found, now),
      );
  }

  /** Says what is kept of a channel. */
  history(channel: string, query: KeptQuery, correlation: unknown): void {
    const found = this.member.history(channel, query);
    if (found instanceof TidegateError) this.refused(channel, correlation, found);
    else
      this.say('history', ({ history }, now) =>
        history === undefined ? null : history.answered(this.peer.state, correlation, channel, found, now),
      );
  }

  /** Why the client may not publish to a channel, or undefined. */
  mayPublish(channel: string): TidegateError | undefined {
    return this.member.mayPublish(channel);
  }

  deliver(group: FrameGroup, isOwn: boolean): void {
    const { gathering, peer } = this;
    if (gathering === undefined) peer.deliver(group, isOwn);
    else if (this.room > 0) gathering.keep(group, isOwn, peer.wire);
    else peer.dismiss(closing('slow'));
  }

  get room(): number {
    return this.peer.room - (this.gathering?.bytes ?? 0);
  }

  get isBehind(): boolean {
    return this.outbound.queuedBytes > 0;
  }

  fitting(frames: readonly SharedFrame[]): readonly SharedFrame[] {
    const { room } = this;
    const { wire } = this.peer;
    let bytes = 0;
    for (let at = frames.length - 1; at >= 0; at -= 1) {
      bytes += frames[at]?.bytes(wire).length ?? 0;
      if (bytes > room) return frames.slice(at + 1);
    }
    return frames;
  }

  failed(error: unknown): void {
    this.peer.failed(error);
  }

  /** The answer goes ahead of records that wait, and none of the channel may follow it. */
  private left(channel: string, correlation: unknown, rejection: Rejection | null): void {
    this.outbound.leave(channel);
    this.say('unsubscribed', (protocol, now) =>
      protocol.unsubscribed(this.peer.state, correlation, channel, rejection, now),
    );
  }

  private gathered(then: () => void): void {
    if (!this.peer.isOpen) return;
    try {
      then();
    } catch (error) {
      this.peer.failed(error);
    }
  }

  /**
   * At once, before what the turn brings in the channel: an answer would else wait for that of a message before it. `position`: which
   * clients of event streams show when they come back, whatever their codec says.
   */
  private say(
    step: string,
    make: (protocol: ChannelProtocol, now: number) => Frame | null,
    position?: ChannelPosition,
  ): void {
    const { peer, context } = this;
    if (!peer.isOpen) return;
    try {
      const { channels } = context.codec;
      const frame = (channels && make(channels, context.clock.now())) ?? null;
      if (position !== undefined && peer.wire === 'sse')
        this.answers.sayNow(
          context
            .share(frame ?? SILENT)
            .withPosition(position)
            .bytes('sse'),
        );
      else if (frame !== null) this.answers.sayNow(context.encode(frame, peer.wire));
    } catch (error) {
      peer.codecFailed(step, error);
    }
  }
}
