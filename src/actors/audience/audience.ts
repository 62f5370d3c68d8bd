import { randomUUID } from 'node:crypto';
import { type Observable, Subject } from 'rxjs';
import { createActor } from 'xstate';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec, ConnectionInfo, Frame } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Socket } from '../../core/socket.ts';
import type { EndpointPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Handshake, Tracing } from '../../telemetry/tracing.ts';
import type { Allowed } from '../allowance.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionHome, ConnectionLimits } from '../connection/home.ts';
import { startActor, tell } from '../lifecycle.ts';
import type { PresenceObserver, PresencePort } from '../presence/port.ts';
import type { TopicService } from '../topic-service/topic-service.ts';
import { Broadcast, encodingOnce } from './broadcast.ts';
import { Departures } from './departures.ts';
import { EarlyMessages } from './early-messages.ts';
import { Entrance } from './entrance.ts';
import { EndpointFigures } from './figures.ts';
import { History, type ReplayLimits } from './history.ts';
import { type AudienceActor, type AudienceControl, audienceMachine } from './machine.ts';
import { Members } from './members.ts';
import { Room } from './room.ts';
import { type SweepLimits, sweepConnection } from './sweep.ts';
import { Turn, type TurnEnd } from './turn.ts';

export interface AudienceOptions {
  readonly name: string;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly filteredIsError?: boolean;
  readonly keepsRejected?: boolean;
  readonly sweep: SweepLimits;
  /** For a codec whose clients know of each other. */
  readonly room?: {
    readonly presence: (observer: PresenceObserver) => PresencePort;
    readonly allow: { readonly direct: Allowed; readonly kick: Allowed };
  };
  readonly replay?: ReplayLimits;
  /** Whether a pipeline of the configuration reads what clients send: they wait for it while the gateway starts. */
  readonly isRead?: boolean;
  /** For a codec whose clients deal with topics by themselves. */
  readonly topics?: TopicService;
  /** Clients only receive: no pipeline reads what they send. */
  readonly isOutputOnly?: boolean;
  /** Told of each connection that has ended. `id`: what `join` called it, whatever its room called it later. */
  readonly closed?: (id: string, connection: ConnectionInfo, code: number, reason: string) => void;
  readonly encode: (frame: Frame) => Buffer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: Tracing;
}

/**
 * Who is connected to an endpoint on this gateway, and who gets what. Frames of one event-loop turn become one batch
 * for the pipelines; records of one turn become one write for each socket.
 */
export class Audience
  implements ConnectionHome<Connection>, TurnEnd<Connection, Message>, EndpointPort, AudienceControl
{
  readonly name: string;
  readonly isGuarded: boolean;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly filteredIsError: boolean;
  readonly keepsRejected: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly figures: EndpointFigures;
  readonly encode: (frame: Frame) => Buffer;
  readonly received$: Observable<Batch>;
  readonly actor: AudienceActor;
  seconds = 1;
  isCongested = true;
  private readonly members = new Members();
  private readonly waiting = new Set<Connection>();
  private readonly options: AudienceOptions;
  readonly room: Room<Connection> | undefined;
  readonly topics: TopicService | undefined;
  private readonly turn = new Turn<Connection, Message>(this);
  private readonly early: EarlyMessages;
  private readonly broadcast: Broadcast;
  private readonly entrance: Entrance;
  private readonly received = new Subject<Batch>();
  private readonly departures: Departures;
  private readonly timer: NodeJS.Timeout;
  private jitter = 0;
  private whenFinished: () => void = () => {};

  constructor(options: AudienceOptions) {
    this.options = options;
    this.name = options.name;
    this.codec = options.codec;
    this.limits = options.limits;
    this.filteredIsError = options.filteredIsError ?? false;
    this.keepsRejected = options.keepsRejected ?? false;
    this.clock = options.clock;
    this.logger = options.logger;
    this.tracing = options.tracing;
    this.received$ = this.received.asObservable();
    this.topics = options.topics;
    this.early = new EarlyMessages(options.isRead === true);
    this.encode = encodingOnce(options.encode);
    const history = options.replay === undefined ? undefined : new History(options.replay);
    const { members, turn, encode } = this;
    this.broadcast = new Broadcast({ ...options, members, turn, encode, history });
    this.room = this.openRoom();
    this.entrance = new Entrance({ room: this.room, history, broadcast: this.broadcast });
    this.isGuarded = this.entrance.isGuarded;
    this.figures = new EndpointFigures(options.stats, this.name, {
      connections: () => this.members.size,
      paused: () => this.waiting.size,
      queued: () => this.members.queuedBytes,
    });
    const { codec, figures, logger } = this;
    this.departures = new Departures({ members, codec, figures, logger });
    this.actor = startActor(
      createActor(audienceMachine, { input: { audience: this } }),
      `audience ${this.name}`,
      this.logger,
    );
    if (options.topics === undefined && !options.isOutputOnly) tell(this.actor, { type: 'CONGEST' });
    else {
      this.isCongested = false;
      options.topics?.serves(this);
    }
    this.timer = setInterval(() => this.sweep(), 1_000);
    this.timer.unref();
  }

  get size(): number {
    return this.members.size;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** Bytes held for clients: unfinished messages and send queues. */
  get heldBytes(): number {
    return this.members.heldBytes;
  }

  /** Messages that were read and whose outcome is not known yet. */
  get unsettled(): number {
    return this.members.unsettled;
  }

  /** Says what the client is called to begin with. */
  join(
    socket: Socket,
    request: { params: ConnectionInfo['params']; query: ConnectionInfo['query'] },
    handshake: Handshake | undefined,
  ): ConnectionInfo {
    const info = {
      clientId: randomUUID(),
      endpoint: this.name,
      params: orNone(request.params),
      query: orNone(request.query),
    };
    const connection = new Connection(this, socket, info, handshake);
    this.members.add(connection);
    this.figures.opened.value += 1;
    this.logger.debug({ client_id: info.clientId }, 'client connected');
    this.topics?.enter(connection);
    this.entrance.enter(connection);
    return info;
  }

  /** Who is in the room on all gateways; undefined where clients know nothing of each other. */
  get presence(): PresencePort | undefined {
    return this.room?.presence;
  }

  /** Why no client can be let in yet, or undefined. */
  get trouble(): string | undefined {
    return this.entrance.trouble;
  }

  /** Somebody reads what clients are to get of the past: they wait until all who do have said that it is read. */
  historyBegins(): void {
    this.entrance.historyBegins();
  }

  historyIsRead(): void {
    this.entrance.historyIsRead();
  }

  /** Closes every connection in its own slot of `jitter` milliseconds; resolves when the last one is gone. */
  drain(jitter: number): Promise<void> {
    this.jitter = jitter;
    return new Promise((resolve) => {
      this.whenFinished = resolve;
      tell(this.actor, { type: 'DRAIN' });
    });
  }

  /** The time for slots is over. */
  drainNow(): void {
    this.departures.hasten();
  }

  /** Cuts whoever is left. */
  cut(): void {
    this.departures.cutAll();
  }

  /** Closes the connection that holds the most bytes. */
  cutLargest(): void {
    this.departures.cutLargest();
  }

  // --- port of the pipelines

  pause(): void {
    this.isCongested = true;
    this.early.refuse(this.unread());
    tell(this.actor, { type: 'CONGEST' });
  }

  resume(): void {
    this.isCongested = false;
    this.passOnEarly();
    tell(this.actor, { type: 'CLEAR' });
  }

  deliver(batch: Batch): void {
    this.broadcast.deliver(batch);
  }

  // --- orders of the machine

  releaseHeld(): void {
    for (const connection of [...this.waiting]) {
      if (connection.mayRelease) tell(connection.actor, { type: 'RELEASE' });
    }
  }

  memberFailed(clientId: string, error: unknown): void {
    this.logger.error({ error, client_id: clientId }, 'a connection failed and is cut');
    this.members.get(clientId)?.socket.terminate();
  }

  startDrain(): void {
    this.early.refuse(new TidegateError('TG_STOPPING', 'the gateway stopped before a pipeline read the message'));
    this.departures.begin(this.jitter);
  }

  finished(): void {
    clearInterval(this.timer);
    this.whenFinished();
  }

  // --- home of the connections

  collect(message: Message): void {
    this.turn.collect(message);
  }

  dirty(connection: Connection): void {
    this.turn.dirty(connection);
  }

  held(connection: Connection, isHeld: boolean): void {
    if (isHeld) {
      this.waiting.add(connection);
      // What it waits for may be what is still being collected.
      this.topics?.flush();
    } else this.waiting.delete(connection);
  }

  closed(connection: Connection, code: number, reason: string): void {
    this.figures.closed(code);
    this.logger.debug({ client_id: connection.info.clientId, code, reason }, 'client disconnected');
    this.options.closed?.(connection.actor.id, connection.info, code, reason);
  }

  gone(connection: Connection): void {
    this.members.delete(connection);
    this.entrance.leave(connection);
    this.topics?.leave(connection);
    if (this.members.size === 0) tell(this.actor, { type: 'EMPTY' });
  }

  left(connection: Connection): void {
    this.room?.leave(connection);
  }

  // --- at the end of a turn

  passOn(messages: readonly Message[]): void {
    if (this.options.isOutputOnly) {
      const refusal = new TidegateError('TG_NOT_ALLOWED', `the endpoint ${this.name} takes no messages of clients`);
      new Batch(messages).nack(refusal);
    } else if (this.received.observed) {
      this.passOnEarly();
      this.received.next(new Batch(messages));
    } else if (!this.early.keep(messages)) new Batch(messages).nack(this.unread());
  }

  fanOut(chunk: Buffer, frames: readonly Buffer[]): void {
    for (const connection of this.members) connection.deliver(chunk, frames);
  }

  flush(connections: readonly Connection[]): void {
    for (const connection of connections) connection.flush();
  }

  // --- within

  private passOnEarly(): void {
    if (!this.received.observed) return;
    const messages = this.early.take();
    if (messages.length > 0) this.received.next(new Batch(messages));
  }

  private unread(): TidegateError {
    return new TidegateError('TG_FLOW_FAILED', `no pipeline reads the endpoint ${this.name} at the moment`);
  }

  private openRoom(): Room<Connection> | undefined {
    const { room, codec, clock, logger } = this.options;
    if (room === undefined || codec.membership === undefined) return undefined;
    return new Room({ ...room, membership: codec.membership, clock, logger }, this.broadcast);
  }

  private sweep(): void {
    this.seconds += 1;
    for (const connection of this.members) sweepConnection(connection, this.seconds, this.options.sweep);
    this.room?.sweep();
  }
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Most connections have no parameters, so they share one empty object. */
function orNone(facts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(facts).length === 0 ? NONE : facts;
}
