import type { ChannelProtocol, ConnectionInfo, Frame, SubscriptionFacts } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { FrameGroup } from '../../core/shared-frame.ts';
import type { Answers } from './answers.ts';
import type { ChannelClient, ChannelMember, EndpointChannels } from './channel-port.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Peer } from './peer.ts';
import { rejectionOf } from './publisher.ts';

/** A connection whose client is subscribed to channels: what it asks for, and what it is answered. */
export class ChannelPeer implements ChannelClient {
  private readonly peer: Peer & Pick<ChannelClient, 'deliver'>;
  private readonly context: EndpointContext;
  private readonly answers: Answers;
  private readonly member: ChannelMember;

  constructor(
    peer: Peer & Pick<ChannelClient, 'deliver'>,
    context: EndpointContext,
    channels: EndpointChannels,
    answers: Answers,
  ) {
    this.peer = peer;
    this.context = context;
    this.answers = answers;
    const isIn = context.codec.introduction === undefined;
    this.member = channels.enter(this, isIn ? (peer.session?.access.channels ?? []) : []);
  }

  get info(): ConnectionInfo {
    return this.peer.info;
  }

  get permissions(): Permissions {
    return this.peer.permissions;
  }

  /** The socket is gone. */
  gone(): void {
    this.member.leave();
  }

  /** The client is in, and with it in these channels. */
  join(channels: readonly string[]): ReadonlyMap<string, SubscriptionFacts> {
    this.member.renew(channels);
    return new Map(channels.map((channel) => [channel, {}]));
  }

  /** The client is known by another identity from now on: it hears which of its subscriptions have ended with that. */
  accessChanged(joined: readonly string[]): void {
    for (const channel of this.member.renew(joined)) {
      const reason = new TidegateError('TG_NOT_ALLOWED', 'the new token does not allow this subscription');
      this.say('unsubscribed', (protocol, now) =>
        protocol.unsubscribed(this.peer.state, undefined, channel, rejectionOf(reason), now),
      );
    }
  }

  subscribe(channel: string, correlation: unknown): void {
    const refusal = this.member.subscribe(channel);
    this.answer(refusal, channel, correlation, (protocol, now) =>
      protocol.subscribed(this.peer.state, correlation, channel, {}, now),
    );
  }

  unsubscribe(channel: string, correlation: unknown): void {
    const refusal = this.member.unsubscribe(channel);
    this.answer(refusal, channel, correlation, (protocol, now) =>
      protocol.unsubscribed(this.peer.state, correlation, channel, null, now),
    );
  }

  /** Why the client may not publish to a channel, or undefined. */
  mayPublish(channel: string): TidegateError | undefined {
    return this.member.mayPublish(channel);
  }

  deliver(group: FrameGroup, isOwn: boolean): void {
    this.peer.deliver(group, isOwn);
  }

  /** What the client asked for in a channel is not done. */
  refused(refusal: TidegateError, channel: string, correlation: unknown): void {
    this.say('refused', (protocol, now) =>
      protocol.refused(this.peer.state, correlation, channel, rejectionOf(refusal), now),
    );
  }

  private answer(
    refusal: TidegateError | undefined,
    channel: string,
    correlation: unknown,
    done: (protocol: ChannelProtocol, now: number) => Frame | null,
  ): void {
    if (refusal === undefined) this.say('subscribed', done);
    else this.refused(refusal, channel, correlation);
  }

  /** At once, before what the turn brings in the channel: an answer would else wait for that of a message before it. */
  private say(step: string, make: (protocol: ChannelProtocol, now: number) => Frame | null): void {
    const { peer, context } = this;
    const { channels } = context.codec;
    if (channels === undefined || !peer.isOpen) return;
    try {
      const frame = make(channels, context.clock.now());
      if (frame !== null) this.answers.sayNow(context.encode(frame, peer.wire));
    } catch (error) {
      peer.codecFailed(step, error);
    }
  }
}
