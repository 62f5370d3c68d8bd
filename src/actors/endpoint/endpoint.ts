import type { Observable } from 'rxjs';
import { createActor } from 'xstate';
import type { Access, AccessPort } from '../../core/access.ts';
import type { Batch } from '../../core/batch.ts';
import type { ChannelFeed } from '../../core/channel-feed.ts';
import { every } from '../../core/clock.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
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
import { Clients } from './clients.ts';
import { Connection } from './connection.ts';
import { infoOf, type JoinRequest } from './connection-info.ts';
import { type EndpointChanges, EndpointContext, type EndpointOptions } from './endpoint-context.ts';
import { GracefulClose } from './graceful-close.ts';
import { History } from './history.ts';
import { JoinQueue } from './join-queue.ts';
import { type EndpointActor, type EndpointControl, endpointMachine } from './machine.ts';
import { Members } from './members.ts';
import { EndpointMetrics } from './metrics.ts';
import { Received } from './received.ts';
import type { Residence } from './residence.ts';
import type { RoomPresence } from './room-port.ts';
import { TickBatch } from './tick.ts';
import type { TopicClients } from './topic-clients.ts';

/**
 * The hub of the clients that are connected to an endpoint on this gateway. Frames of one tick become one batch for the
 * pipelines, records of one tick become one write for each socket.
 */
export class Endpoint implements EndpointPort, EndpointControl {
  readonly name: string;
  readonly context: EndpointContext;
  /** Batches of what clients have sent. */
  readonly received$: Observable<Batch>;
  readonly actor: EndpointActor;
  private readonly received: Received;
  private readonly members = new Members();
  private readonly broadcast: Broadcast;
  private readonly joinQueue: JoinQueue;
  private readonly gracefulClose: GracefulClose;
  readonly clients: Clients;
  private readonly endSweeps: () => void;
  private jitter = 0;
  private readonly whenFinished: (() => void)[] = [];

  constructor(options: EndpointOptions) {
    this.name = options.name;
    const { members } = this;
    const received = new Received(this.name, options.isOutputOnly ?? false);
    this.received = received;
    this.received$ = received.batches$;
    const metrics = new EndpointMetrics(options.stats, this.name, {
      connections: () => members.size,
      paused: () => this.clients.waiting,
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
    this.actor = startActor(
      createActor(endpointMachine, { input: { control: this } }),
      `endpoint ${this.name}`,
      options.logger,
    );
    this.clients = new Clients(this.context, members, this.joinQueue, this.actor, options);
    if (options.topics === undefined && !options.isOutputOnly) tell(this.actor, { type: 'CONGEST' });
    else {
      this.context.isCongested = false;
      options.topics?.serves(this);
    }
    this.endSweeps = every(options.clock, 1_000, () => this.clients.sweep());
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
    this.clients.enter(new Connection(context, this.clients, socket, info, handshake, baggage, access), request.since);
    return info;
  }

  /** Whether one more client of that identity would be too many. */
  isFullFor(identity: Identity | undefined): boolean {
    return this.context.clientLimits?.isFull(identity) ?? false;
  }

  /** Goes on with other settings; what they were when a client connected may stay for that one. */
  update(changes: EndpointChanges): void {
    this.context.update(changes);
    this.clients.update(changes);
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

  /** A pipeline that reads it is about to come, or to be replaced: clients are held until it is there. */
  awaitsReader(): void {
    const { received } = this;
    received.keep();
    if (!received.isRead) this.pause();
  }

  /** No pipeline reads it. Clients that ask for channels are answered at once: no pipeline comes that they would wait for. */
  hasNoReader(): void {
    this.received.refuseKept();
    if (this.channels !== undefined) this.resume();
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
    this.clients.releaseHeld();
  }

  memberFailed(name: string, error: unknown): void {
    this.clients.memberFailed(name, error);
  }

  startDrain(): void {
    this.gracefulClose.begin(this.jitter);
  }

  finished(): void {
    this.endSweeps();
    for (const resolve of this.whenFinished.splice(0)) resolve();
  }
}
