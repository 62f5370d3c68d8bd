import type { Observable } from 'rxjs';
import { createActor } from 'xstate';
import type { Access, AccessPort } from '../../core/access.ts';
import type { Batch } from '../../core/batch.ts';
import type { ChannelFeed } from '../../core/channel-feed.ts';
import { every } from '../../core/clock.ts';
import type { ConnectionInfo } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Headers } from '../../core/headers.ts';
import type { Identity } from '../../core/identity.ts';
import type { Message } from '../../core/message.ts';
import type { Socket } from '../../core/socket.ts';
import type { EndpointPort } from '../../sdk/context.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { startActor, tell } from '../lifecycle.ts';
import { Broadcast } from './broadcast.ts';
import type { EndpointChannels } from './channel-port.ts';
import { Connection } from './connection.ts';
import { infoOf, type JoinRequest } from './connection-info.ts';
import { type EndpointChanges, EndpointContext, type EndpointOptions } from './endpoint-context.ts';
import { GracefulClose } from './graceful-close.ts';
import { History } from './history.ts';
import type { ConnectionHub } from './hub.ts';
import { JoinQueue } from './join-queue.ts';
import { type EndpointActor, type EndpointControl, endpointMachine } from './machine.ts';
import { Members } from './members.ts';
import { EndpointMetrics } from './metrics.ts';
import { Newcomers } from './newcomers.ts';
import { ProtocolErrors } from './protocol-errors.ts';
import { Received } from './received.ts';
import type { Residence } from './residence.ts';
import type { RoomPresence } from './room-port.ts';
import { sweepConnection } from './sweep.ts';
import { TickBatch } from './tick.ts';
import type { TopicClients } from './topic-clients.ts';

/**
 * The hub of the clients that are connected to an endpoint on this gateway. Frames of one tick become one batch for the
 * pipelines, records of one tick become one write for each socket.
 */
export class Endpoint implements ConnectionHub<Connection>, EndpointPort, EndpointControl {
  readonly name: string;
  readonly context: EndpointContext;
  /** Batches of what clients have sent. */
  readonly received$: Observable<Batch>;
  readonly actor: EndpointActor;
  readonly received: Received;
  private options: EndpointOptions;
  private readonly members = new Members();
  private readonly newcomers = new Newcomers<Connection>();
  /** Connections that are not read. */
  private readonly waiting = new Set<Connection>();
  private readonly broadcast: Broadcast;
  private readonly joinQueue: JoinQueue;
  private readonly gracefulClose: GracefulClose;
  private readonly protocolErrors: ProtocolErrors;
  private readonly endSweeps: () => void;
  private jitter = 0;
  private readonly whenFinished: (() => void)[] = [];

  constructor(options: EndpointOptions) {
    this.options = options;
    this.name = options.name;
    const { members } = this;
    const received = new Received(this.name, options.isOutputOnly ?? false);
    this.received = received;
    this.received$ = received.batches$;
    const metrics = new EndpointMetrics(options.stats, this.name, {
      connections: () => members.size,
      paused: () => this.waiting.size,
      queued: () => members.queuedBytes,
    });
    const tick = new TickBatch<Message>({
      passOn: (messages) => received.passOn(messages),
      fanOut: (group) => this.broadcast.fanOut(group),
      tickFailed: (error) =>
        options.logger.error({ error }, `endpoints.${this.name}: passing on what a turn brought failed`),
    });
    this.context = new EndpointContext(options, metrics, tick);
    const history = options.replay === undefined ? undefined : new History(options.replay);
    this.broadcast = new Broadcast(this.context, members, history);
    this.context.room = options.room?.(this.broadcast);
    this.context.channels = options.channels?.(this.broadcast);
    this.joinQueue = new JoinQueue(this.context, this.broadcast, history);
    this.gracefulClose = new GracefulClose(this.context, members);
    this.protocolErrors = new ProtocolErrors(this.name, options.clock, options.logger);
    this.actor = startActor(
      createActor(endpointMachine, { input: { control: this } }),
      `endpoint ${this.name}`,
      options.logger,
    );
    if (options.topics === undefined && !options.isOutputOnly) tell(this.actor, { type: 'CONGEST' });
    else {
      this.context.isCongested = false;
      options.topics?.serves(this);
    }
    this.endSweeps = every(options.clock, 1_000, () => this.sweep());
  }

  get size(): number {
    return this.members.size;
  }

  /** Bytes held for clients: unfinished messages and send queues. */
  get heldBytes(): number {
    return this.members.heldBytes;
  }

  /** Messages that were read and whose outcome is not known yet. */
  get unsettled(): number {
    return this.members.unsettled;
  }

  /** Connections that may be cut for the memory that is held for them. */
  get holders(): Connection[] {
    return this.members.holders;
  }

  /** What finds out about each client; undefined where there is nothing to be found out. */
  get access(): AccessPort | undefined {
    return this.context.access;
  }

  get topics(): TopicClients | undefined {
    return this.context.topics;
  }

  /** Members of the room on all gateways; undefined where clients know nothing of each other. */
  get presence(): RoomPresence | undefined {
    return this.context.room?.presence;
  }

  /** Undefined where no gateway knows of the clients of another one. */
  get residence(): Residence | undefined {
    return this.presence ?? this.channels?.presence;
  }

  /** Undefined where clients are not subscribed to channels. */
  get channels(): EndpointChannels | undefined {
    return this.context.channels;
  }

  /** Why no client can be let in yet, or undefined. */
  get notReadyReason(): string | undefined {
    return this.joinQueue.notReadyReason;
  }

  /** Says what the client is called to begin with. `baggage`: what its handshake carried; `access`: what was found out. */
  join(
    socket: Socket,
    request: JoinRequest,
    handshake: Handshake | undefined,
    baggage?: Headers,
    access?: Access,
  ): ConnectionInfo {
    const { context } = this;
    const info = infoOf(context, request, access);
    const connection = new Connection(context, this, socket, info, handshake, baggage, access);
    this.members.add(connection);
    context.metrics.opened.value += 1;
    context.logger.debug({ client_id: info.clientId }, 'client connected');
    const { topicPeer, channelPeer } = connection.parts;
    if (topicPeer !== undefined) context.topics?.enter(topicPeer);
    if (request.since !== undefined) channelPeer?.shows(request.since);
    if (connection.introduction === undefined) this.joinQueue.enter(connection);
    else this.newcomers.add(connection);
    return info;
  }

  /** Whether one more client of that identity would be too many. */
  isFullFor(identity: Identity | undefined): boolean {
    return this.context.clientLimits?.isFull(identity) ?? false;
  }

  /** Goes on with other settings; what they were when a client connected may stay for that one. */
  update(changes: EndpointChanges): void {
    this.options = { ...this.options, ...changes };
    this.context.update(changes);
  }

  /** Whether no client may come in any more. */
  get isLeaving(): boolean {
    const { status, value } = this.actor.getSnapshot();
    return status !== 'active' || value === 'draining';
  }

  /** Whether earlier messages have been read for new clients. */
  get hasHistory(): boolean {
    return this.joinQueue.hasHistory;
  }

  historyBegins(): void {
    this.joinQueue.historyBegins();
  }

  historyIsRead(): void {
    this.joinQueue.historyIsRead();
  }

  /** Closes every connection in its own slot of `jitter` milliseconds; resolves when the last one is gone. */
  drain(jitter: number): Promise<void> {
    this.jitter = jitter;
    this.received.refuseKept();
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFinished.push(resolve);
      tell(this.actor, { type: 'DRAIN' });
    });
  }

  /** The time for slots is over. */
  drainNow(): void {
    this.gracefulClose.hasten();
  }

  /** Cuts the clients that are left. */
  cut(): void {
    this.gracefulClose.cutAll();
  }

  // --- port of the pipelines

  pause(): void {
    this.context.isCongested = true;
    tell(this.actor, { type: 'CONGEST' });
  }

  resume(): void {
    this.context.isCongested = false;
    tell(this.actor, { type: 'CLEAR' });
  }

  deliver(batch: Batch): void {
    this.broadcast.deliver(batch);
  }

  publish(batch: Batch, channels: readonly unknown[], feed?: ChannelFeed): void {
    if (this.context.channels === undefined)
      throw new TidegateError('TG_CONFIG_INVALID', `endpoints.${this.name} has no channels; add channels: {} to it`);
    this.context.channels.publish(batch, channels, feed);
  }

  // --- orders of the machine

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  releaseHeld(): void {
    for (const connection of [...this.waiting]) connection.wake();
  }

  nextName(): string {
    return this.members.nextName();
  }

  memberFailed(name: string, error: unknown): void {
    const connection = this.members.get(name);
    this.context.logger.error({ error, client_id: connection?.info.clientId }, 'a connection failed and is cut');
    connection?.socket.terminate();
  }

  startDrain(): void {
    this.gracefulClose.begin(this.jitter);
  }

  finished(): void {
    this.endSweeps();
    for (const resolve of this.whenFinished.splice(0)) resolve();
  }

  // --- from connections

  held(connection: Connection, isHeld: boolean): void {
    if (isHeld) {
      this.waiting.add(connection);
      // What it waits for may be what is still being collected.
      this.context.topics?.flush();
    } else this.waiting.delete(connection);
  }

  protocolBroken({ info, remote }: Connection, code: number, message: string): void {
    this.protocolErrors.add({ client_id: info.clientId, remote }, code, message);
  }

  closed(connection: Connection, code: number, reason: string): void {
    const { metrics, logger } = this.context;
    metrics.closed(code);
    logger.debug({ client_id: connection.info.clientId, code, reason }, 'client disconnected');
    this.options.closed?.(connection.id, connection.info, code, reason);
  }

  failed({ actor }: Connection, error: unknown): void {
    this.memberFailed(actor.id, error);
  }

  introduced(connection: Connection): void {
    this.newcomers.delete(connection);
    this.joinQueue.enter(connection);
  }

  gone(connection: Connection): void {
    this.members.delete(connection);
    this.newcomers.delete(connection);
    this.joinQueue.leave(connection);
    const { topicPeer } = connection.parts;
    if (topicPeer !== undefined) this.context.topics?.leave(topicPeer);
    if (this.members.size === 0) tell(this.actor, { type: 'EMPTY' });
  }

  left({ guest }: Connection): void {
    if (guest !== undefined) this.context.room?.leave(guest);
  }

  private sweep(): void {
    const { context } = this;
    context.seconds += 1;
    for (const connection of this.members) {
      try {
        const reason = sweepConnection(connection, context.seconds, this.options.sweep);
        if (reason !== undefined) context.metrics.limited(reason);
      } catch (error) {
        this.failed(connection, error);
      }
    }
    context.room?.sweep();
  }
}
