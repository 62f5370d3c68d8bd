import type { Headers } from '../../core/headers.ts';
import type { Socket } from '../../core/socket.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { type ChannelOwner, ChannelPeer } from './channel-peer.ts';
import type { Slowed } from './client-limits.ts';
import { Conversation } from './conversation.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { Inbound } from './inbound.ts';
import { Outbound } from './outbound.ts';
import type { OutboundOwner } from './outbound-owner.ts';
import type { Pace } from './pace.ts';
import { Publisher } from './publisher.ts';
import { RoomGuest } from './room-guest.ts';
import type { EndpointGuest } from './room-port.ts';
import { TopicPeer } from './topic-peer.ts';

type Owner = Slowed & OutboundOwner & Pick<EndpointGuest, 'admit' | 'deliver'> & ChannelOwner;

/** What a connection is made of: its parts read, talk and write, and hold memory for that, which is counted here. */
export class ConnectionParts {
  readonly outbound: Outbound;
  readonly publisher: Publisher;
  readonly conversation: Conversation;
  readonly inbound: Inbound;
  /** What the room is given; undefined where clients know nothing of each other. */
  readonly guest: EndpointGuest | undefined;
  /** What the topic service is given; undefined where clients do not work with topics. */
  readonly topicPeer: TopicPeer | undefined;
  /** Undefined where clients are not subscribed to channels. */
  readonly channelPeer: ChannelPeer | undefined;
  private readonly peer: Owner;
  private readonly socket: Socket;

  constructor(
    peer: Owner,
    context: EndpointContext,
    socket: Socket,
    handshake: Handshake | undefined,
    baggage: Headers | undefined,
    pace: Pace | undefined,
  ) {
    const outbound = new Outbound(socket, context, peer);
    const publisher = new Publisher(peer, context, outbound, handshake, baggage);
    const topicPeer = context.hasTopics ? new TopicPeer(peer, socket, context, publisher, outbound) : undefined;
    const { channels } = context;
    const channelPeer = channels && new ChannelPeer(peer, context, channels, publisher.answers, outbound);
    const conversation = new Conversation(peer, context, publisher, topicPeer, channelPeer);
    this.outbound = outbound;
    this.publisher = publisher;
    this.conversation = conversation;
    this.inbound = new Inbound(peer, socket, context, conversation, outbound, pace);
    this.guest = context.room === undefined ? undefined : new RoomGuest(peer, context, conversation, outbound);
    this.topicPeer = topicPeer;
    this.channelPeer = channelPeer;
    this.peer = peer;
    this.socket = socket;
  }

  /** Messages read and not settled yet. */
  get unsettled(): number {
    return this.publisher.inFlight;
  }

  /** Bytes held for the peer, in both directions; none where it is closing, as nothing can free them sooner. */
  get heldBytes(): number {
    if (!this.peer.isOpen) return 0;
    const { inbound, outbound, conversation } = this;
    return inbound.heldBytes + outbound.heldBytes + conversation.heldBytes;
  }

  get queuedBytes(): number {
    return this.outbound.queuedBytes;
  }

  /** Bytes held for this peer alone besides unfinished messages and the send queue, which are counted as they come. */
  get answerBytes(): number {
    return this.peer.isOpen ? this.heldBytes - this.socket.partial - this.queuedBytes : 0;
  }

  /** Bytes that a cut would free: of a frame that waits for others as well, a part. */
  get weight(): number {
    return this.socket.partial + this.outbound.weight + this.answerBytes;
  }

  /** Gives up what is held: frames that are kept, answers and records. */
  discard(): void {
    this.inbound.discard();
    this.outbound.discard();
  }

  /** The socket is gone. */
  gone(): void {
    this.inbound.gone();
    this.topicPeer?.abandon();
    this.channelPeer?.gone();
    this.outbound.gone();
  }
}
