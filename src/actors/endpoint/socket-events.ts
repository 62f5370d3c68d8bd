import type { SocketHandler } from '../../core/socket.ts';
import type { ConnectionParts } from './connection-parts.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Peer } from './peer.ts';
import { numberOf } from './pings.ts';

/** The connection whose socket it is. */
export interface EventsOwner extends Pick<Peer, 'isOpen' | 'failed'> {
  readonly parts: ConnectionParts;
  /** The peer broke the protocol and is closed with that code. */
  broke(code: number, message: string): void;
  /** The socket is gone. */
  lost(code: number, reason: string): void;
  /** Something that the connection may be held for is over. */
  wake(): void;
}

/** What the socket of a connection reports, for the parts that it concerns. */
export class SocketEvents implements SocketHandler {
  private readonly owner: EventsOwner;
  private readonly context: EndpointContext;

  constructor(owner: EventsOwner, context: EndpointContext) {
    this.owner = owner;
    this.context = context;
  }

  onFrame(data: Buffer, binary: boolean): void {
    if (this.owner.isOpen) this.owner.parts.inbound.frame(data, binary);
  }

  onPing(): void {
    if (this.owner.isOpen) this.owner.parts.inbound.ping();
  }

  onPong(payload: Buffer): void {
    const { inbound, topicPeer } = this.owner.parts;
    inbound.heardAt = this.context.seconds;
    const number = numberOf(payload);
    if (number === undefined) this.context.metrics.pong(payload);
    else if (topicPeer !== undefined) this.context.topics?.ponged(topicPeer, number);
  }

  onDrain(): void {
    const { owner, context } = this;
    if (!owner.isOpen) return;
    try {
      const { outbound, topicPeer } = owner.parts;
      outbound.drained();
      topicPeer?.askNext();
      if (topicPeer !== undefined) context.topics?.drained(topicPeer);
      owner.wake();
    } catch (error) {
      owner.failed(error);
    }
  }

  onProtocolError(code: number, message: string): void {
    this.owner.broke(code, message);
  }

  onClose(code: number, reason: string): void {
    this.owner.lost(code, reason);
  }
}
