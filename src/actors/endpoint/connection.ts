import { createActor } from 'xstate';
import type { Access } from '../../core/access.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Farewell } from '../../core/frame.ts';
import type { Headers } from '../../core/headers.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { FrameGroup, Wire } from '../../core/shared-frame.ts';
import type { Socket } from '../../core/socket.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { tell } from '../lifecycle.ts';
import { type ConnectionActor, type ConnectionControl, closing, connectionMachine } from './connection-machine.ts';
import { ConnectionParts } from './connection-parts.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { Entry, type EntryOwner } from './entry.ts';
import type { ConnectionHub } from './hub.ts';
import type { Introduction } from './introduction.ts';
import type { OutboundOwner } from './outbound-owner.ts';
import type { Peer } from './peer.ts';
import { timePayload } from './pings.ts';
import type { EndpointGuest } from './room-port.ts';
import type { Session } from './session.ts';
import { type EventsOwner, SocketEvents } from './socket-events.ts';

/** Where the machine is, as far as the parts of a connection ask. Only orders of the machine change it. */
type Phase = 'joining' | 'serving' | 'draining' | 'closing' | 'closed';

/** The life of one socket: its machine decides what may happen when, and its parts read, talk and write. */
export class Connection implements ConnectionControl, OutboundOwner, Peer, EntryOwner, EventsOwner {
  /** What the codec knows; the client's ID is its name in the room once it is let in. */
  info: ConnectionInfo;
  state: unknown = undefined;
  /** What the client was called to begin with. */
  readonly id: string;
  readonly socket: Socket;
  readonly actor: ConnectionActor;
  readonly parts: ConnectionParts;
  private readonly entry: Entry;
  /** Seconds on the endpoint's clock; see the sweep. */
  stuckSince: number;
  closingSince = 0;
  lastDelivered = 0;
  private readonly context: EndpointContext;
  private readonly hub: ConnectionHub<Connection>;
  private phase: Phase;

  constructor(
    context: EndpointContext,
    hub: ConnectionHub<Connection>,
    socket: Socket,
    info: ConnectionInfo,
    handshake: Handshake | undefined,
    baggage?: Headers,
    access?: Access,
  ) {
    this.context = context;
    this.hub = hub;
    this.socket = socket;
    this.info = info;
    this.id = info.clientId;
    this.stuckSince = context.seconds;
    this.entry = new Entry(this, context, access);
    this.phase = context.isGuarded || this.introduction !== undefined ? 'joining' : 'serving';
    const pace = context.clientLimits?.enter(access?.identity);
    this.parts = new ConnectionParts(this, context, socket, handshake, baggage, pace);
    // As part of the endpoint's actor system, without being its child: half the memory of a root actor, none of the
    // copying of children, and an error that is thrown reaches the endpoint.
    this.actor = createActor(connectionMachine, { id: hub.nextName(), input: { control: this }, parent: hub.actor });
    this.actor.start();
    socket.attach(new SocketEvents(this, context));
    if (this.isHeard) this.parts.conversation.greet();
  }

  /** Address of the client. */
  get remote(): string {
    return this.socket.remote;
  }

  get wire(): Wire {
    return this.socket.wire;
  }

  get session(): Session | undefined {
    return this.entry.session;
  }

  get introduction(): Introduction | undefined {
    return this.entry.introduction;
  }

  get permissions(): Permissions {
    return this.session === undefined ? this.context.permissions : this.session.access.permissions;
  }

  get guest(): EndpointGuest | undefined {
    return this.parts.guest;
  }

  get isOpen(): boolean {
    return this.phase !== 'closing' && this.phase !== 'closed';
  }

  get isAdmitted(): boolean {
    return this.phase === 'serving' || this.phase === 'draining';
  }

  get isHeard(): boolean {
    return this.isAdmitted || (this.phase === 'joining' && this.introduction?.isAwaited === true);
  }

  get isAnswered(): boolean {
    return this.parts.publisher.inFlight === 0;
  }

  // --- from its socket

  broke(code: number, message: string): void {
    this.hub.protocolBroken(this, code, message);
  }

  lost(code: number, reason: string): void {
    this.hub.closed(this, code, reason);
    tell(this.actor, { type: 'GONE' });
    // A machine that failed cannot say so any more.
    if (this.phase !== 'closed') this.gone();
  }

  // --- from the endpoint

  /** Calls back as soon as it can be let in: it may have to wait for what it has missed. */
  comeIn(then: () => void): void {
    if (this.introduction === undefined) then();
    else this.parts.conversation.gather(this.introduction, then);
  }

  /** The client is in, under the name that all gateways know; frames that it sent meanwhile are processed now. */
  admit(name: string): void {
    if (this.phase !== 'joining') return;
    this.info = { ...this.info, clientId: name };
    tell(this.actor, { type: 'ADMIT' });
    const introduction = this.entry.takeIntroduction();
    if (introduction === undefined) {
      this.parts.conversation.greet();
      this.parts.channelPeer?.admitted();
    } else this.parts.conversation.letIn(introduction);
    this.wake();
  }

  /** Records of one turn for this socket. `isOwn`: no other socket gets them in one piece. */
  deliver(group: FrameGroup, isOwn = false): void {
    if (!this.isAdmitted) return;
    this.parts.outbound.deliver(group.on(this.socket.wire), isOwn);
  }

  /** Bytes of records that it takes without one being dropped. */
  get room(): number {
    return this.isAdmitted || this.introduction !== undefined ? this.parts.outbound.room : 0;
  }

  /** Something that this connection may be held for is over. */
  wake(): void {
    if (this.phase === 'serving' || this.isHeard) this.parts.inbound.wake();
  }

  /** Whether its client would leave without pings. */
  get isWaitingForPings(): boolean {
    return this.context.codec.ping !== undefined;
  }

  /** Asks whether the peer is still there; one that is not in yet is not asked by frames of its protocol. */
  ping(): void {
    const { ping } = this.context.codec;
    if (ping === undefined || !this.isAdmitted) this.socket.ping(timePayload());
    else this.parts.conversation.answers.sayNow(this.context.encode(ping, this.wire));
  }

  /** What is held for this peer is free at once. Its answers are given up, too: it takes nothing, or is in the middle of a message. */
  cut(): void {
    const isReading = this.socket.partial > this.parts.heldBytes / 2;
    const { isStuck } = this.parts.outbound;
    this.parts.discard();
    this.context.metrics.limited('memory');
    tell(this.actor, closing(isReading ? 'tooBig' : 'overloaded', 'out of memory'));
    // A close frame behind so much would keep it.
    if (isStuck) this.socket.terminate();
  }

  // --- from its parts

  dismiss({ code, reason }: Farewell): void {
    tell(this.actor, { type: 'CLOSE', code, reason });
  }

  settledOne(): void {
    if (this.phase === 'serving') this.parts.inbound.wake();
    else if (!this.isAnswered) return;
    else if (this.phase === 'draining') tell(this.actor, { type: 'ANSWERED' });
    else if (this.phase === 'closed') this.hub.left(this);
  }

  codecFailed(step: string, error: unknown): void {
    const client_id = this.info.clientId;
    this.context.logger.error({ error, client_id }, `the codec failed (${step}), closing its client`);
    this.dismiss(closing('failed'));
  }

  failed(error: unknown): void {
    this.hub.failed(this, error);
  }

  answersWereLeft(): void {
    this.parts.inbound.answersWereLeft();
  }

  dropNotice(count: number): Buffer | null {
    return this.parts.conversation.dropNotice(count);
  }

  /** It is known who the client is: it may be let in. */
  introduced(): void {
    this.hub.introduced(this);
  }

  // --- orders of the machine

  admitted(): void {
    this.phase = 'serving';
  }

  hold(): void {
    this.parts.inbound.hold();
    this.hub.held(this, true);
  }

  drain(): void {
    this.phase = 'draining';
    this.hold();
  }

  release(): void {
    this.parts.inbound.release();
    this.hub.held(this, false);
  }

  close(code: number, reason: string): void {
    this.parts.outbound.finish();
    this.phase = 'closing';
    this.closingSince = this.context.seconds;
    this.hub.held(this, false);
    // A paused socket never sees the peer's close frame.
    this.socket.resume();
    const farewell = this.farewell({ code, reason });
    this.socket.close(farewell.code, farewell.reason);
  }

  gone(): void {
    this.phase = 'closed';
    this.hub.held(this, false);
    this.parts.gone();
    this.hub.gone(this);
    if (this.isAnswered) this.hub.left(this);
  }

  /** As its protocol says it; where the codec fails, as the gateway does. */
  private farewell(closing: Farewell): Farewell {
    const { codec, logger } = this.context;
    try {
      return codec.farewell?.(closing) ?? closing;
    } catch (error) {
      logger.error(
        { error, client_id: this.info.clientId },
        'the codec failed (farewell), closing its client without it',
      );
      return closing;
    }
  }
}
