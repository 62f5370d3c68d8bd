import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Effect } from '../../core/effect.ts';
import type { Farewell } from '../../core/frame.ts';
import type { MemberEvent } from '../../core/membership.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { FrameGroup, SharedFrame } from '../../core/shared-frame.ts';
import type { Conversation } from './conversation.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Outbound } from './outbound.ts';
import type { Peer } from './peer.ts';
import type { EndpointGuest } from './room-port.ts';

/** A connection as a member of its room: what its room tells it. */
export class RoomGuest implements EndpointGuest {
  private readonly peer: Peer & Pick<EndpointGuest, 'admit' | 'deliver'>;
  private readonly context: EndpointContext;
  private readonly conversation: Conversation;
  private readonly outbound: Outbound;

  constructor(
    peer: Peer & Pick<EndpointGuest, 'admit' | 'deliver'>,
    context: EndpointContext,
    conversation: Conversation,
    outbound: Outbound,
  ) {
    this.peer = peer;
    this.context = context;
    this.conversation = conversation;
    this.outbound = outbound;
  }

  get info(): ConnectionInfo {
    return this.peer.info;
  }

  get permissions(): Permissions {
    return this.peer.permissions;
  }

  admit(name: string): void {
    this.peer.admit(name);
  }

  /** False for a direct message that there is no room for. */
  hear(event: MemberEvent): boolean {
    const { peer, context } = this;
    if (!peer.isOpen || !peer.isAdmitted) return false;
    try {
      const effects = context.codec.membership?.event(peer.state, event, context.clock.now()) ?? [];
      if (event.type === 'direct') return this.pass(effects);
      this.conversation.apply(effects);
      return true;
    } catch (error) {
      peer.codecFailed('event', error);
      return false;
    }
  }

  /** Says something of the room's to this client alone, in its turn among the answers. */
  inform(frame: SharedFrame): void {
    if (this.peer.isAdmitted) this.conversation.answers.sayNow(frame.bytes(this.peer.wire));
  }

  deliver(group: FrameGroup): void {
    this.peer.deliver(group);
  }

  dismiss(farewell: Farewell): void {
    this.peer.dismiss(farewell);
  }

  /** A message of another client is not an answer: the policy of the queue applies, but never disconnects the peer. */
  private pass(effects: readonly Effect[]): boolean {
    let isTaken = true;
    for (const effect of effects) {
      if (effect.type !== 'reply') this.conversation.apply([effect]);
      else if (!this.peer.isOpen || !this.outbound.offer(this.context.encode(effect.frame, this.peer.wire)))
        isTaken = false;
    }
    return isTaken;
  }
}
