import { randomUUID } from 'node:crypto';
import { type Observable, Subject } from 'rxjs';
import { createActor } from 'xstate';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec, ConnectionInfo, Frame } from '../../core/component.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Socket } from '../../core/socket.ts';
import type { EndpointPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Handshake, Tracing } from '../../telemetry/tracing.ts';
import type { Allowed } from '../allowance.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionHome, ConnectionLimits } from '../connection/home.ts';
import { closing } from '../connection/machine.ts';
import { startActor, tell } from '../lifecycle.ts';
import type { PresenceObserver, PresencePort } from '../presence/port.ts';
import type { TopicService } from '../topic-service/topic-service.ts';
import { Departures } from './departures.ts';
import { EndpointFigures } from './figures.ts';
import { History, type ReplayLimits } from './history.ts';
import { Lobby } from './lobby.ts';
import { type AudienceActor, type AudienceControl, audienceMachine } from './machine.ts';
import { Members } from './members.ts';
import { Room, type RoomHome } from './room.ts';
import { type SweepLimits, sweepConnection } from './sweep.ts';
import { Turn, type TurnEnd } from './turn.ts';

export interface AudienceOptions {
  readonly name: string;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly sweep: SweepLimits;
  /** For a codec whose clients know of each other. */
  readonly room?: {
    readonly presence: (observer: PresenceObserver) => PresencePort;
    readonly allow: { readonly direct: Allowed; readonly kick: Allowed };
  };
  readonly replay?: ReplayLimits;
  /** For a codec whose clients deal with topics by themselves. */
  readonly topics?: TopicService;
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
  implements
    ConnectionHome<Connection>,
    RoomHome<Connection>,
    TurnEnd<Connection, Message>,
    EndpointPort,
    AudienceControl
{
  readonly name: string;
  readonly isGuarded: boolean;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly figures: EndpointFigures;
  readonly received$: Observable<Batch>;
  readonly actor: AudienceActor;
  seconds = 1;
  isCongested = true;
  private readonly members = new Members();
  private readonly waiting = new Set<Connection>();
  private readonly options: AudienceOptions;
  readonly room: Room<Connection> | undefined;
  readonly topics: TopicService | undefined;
  private readonly history: History | undefined;
  private readonly lobby: Lobby<Connection>;
  private readonly turn: Turn<Connection, Message>;
  private readonly received = new Subject<Batch>();
  private readonly departures: Departures;
  private readonly timer: NodeJS.Timeout;
  private jitter = 0;
  private whenFinished: () => void = () => {};
  private lastEncoded: { readonly frame: Frame; readonly bytes: Buffer } | undefined;

  constructor(options: AudienceOptions) {
    this.options = options;
    this.name = options.name;
    this.codec = options.codec;
    this.limits = options.limits;
    this.clock = options.clock;
    this.logger = options.logger;
    this.tracing = options.tracing;
    this.received$ = this.received.asObservable();
    this.topics = options.topics;
    this.room = this.openRoom();
    this.turn = new Turn<Connection, Message>(this);
    this.lobby = new Lobby((waiting) => this.historyIsComplete(waiting));
    if (options.replay !== undefined) this.history = new History(options.replay);
    this.isGuarded = this.room !== undefined || this.history !== undefined;
    this.figures = new EndpointFigures(options.stats, this.name, {
      connections: () => this.members.size,
      paused: () => this.waiting.size,
      queued: () => this.members.queuedBytes,
    });
    const { members, codec, figures, logger } = this;
    this.departures = new Departures({ members, codec, figures, logger });
    this.actor = startActor(
      createActor(audienceMachine, { input: { audience: this } }),
      `audience ${this.name}`,
      this.logger,
    );
    if (options.topics === undefined) tell(this.actor, { type: 'CONGEST' });
    else {
      this.isCongested = false;
      options.topics.serves(this);
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
    if (this.lobby.isShut) this.lobby.add(connection);
    else if (this.isGuarded) this.enter(connection);
    return info;
  }

  /** Who is in the room on all gateways; undefined where clients know nothing of each other. */
  get presence(): PresencePort | undefined {
    return this.room?.presence;
  }

  /** Why no client can be let in yet, or undefined. */
  get trouble(): string | undefined {
    return this.lobby.isShut ? 'what clients get of the past is being read' : this.presence?.trouble;
  }

  /** Somebody reads what clients are to get of the past: they wait until all who do have said that it is read. */
  historyBegins(): void {
    this.lobby.begin();
  }

  historyIsRead(): void {
    this.lobby.done();
  }

  // --- port of the pipelines

  pause(): void {
    this.isCongested = true;
    tell(this.actor, { type: 'CONGEST' });
  }

  resume(): void {
    this.isCongested = false;
    tell(this.actor, { type: 'CLEAR' });
  }

  deliver(batch: Batch): void {
    const counted = this.tracing.delivering(batch, this.name);
    let failure: TidegateError | undefined;
    for (const message of batch.messages) {
      try {
        const frame = this.codec.record(message, this.clock.now());
        if (frame === null) continue;
        const bytes = this.encode(frame);
        this.turn.tell(bytes);
        this.history?.keep(bytes, message);
      } catch (error) {
        failure = asTidegateError(error, 'TG_CODEC_FAILED');
        message.nack(failure);
      }
    }
    if (failure !== undefined)
      this.logger.error({ error: failure }, 'the codec failed on a record, which no client gets');
    counted(this.members.size);
    batch.ack();
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
    this.departures.begin(this.jitter);
  }

  finished(): void {
    clearInterval(this.timer);
    this.whenFinished();
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

  // --- home of the connections

  encode(frame: Frame): Buffer {
    // A codec gives the same object for equal answers of one millisecond.
    if (this.lastEncoded?.frame === frame) return this.lastEncoded.bytes;
    const bytes = this.options.encode(frame);
    this.lastEncoded = { frame, bytes };
    return bytes;
  }

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
    this.lobby.delete(connection);
    this.topics?.leave(connection);
    if (this.members.size === 0) tell(this.actor, { type: 'EMPTY' });
  }

  left(connection: Connection): void {
    this.room?.leave(connection);
  }

  // --- home of the room

  sendWaiting(): void {
    this.turn.fanOut();
  }

  tellOthers(frames: readonly Buffer[], except: ReadonlySet<Connection>): void {
    if (frames.length === 0) return;
    const chunk = Buffer.concat(frames);
    for (const connection of this.members) if (!except.has(connection)) connection.deliver(chunk, frames);
  }

  replay(connection: Connection): void {
    const frames = this.history?.frames(this.clock.now()) ?? [];
    if (frames.length > 0) connection.deliver(Buffer.concat(frames), frames);
  }

  closeAllForRestart(): void {
    for (const connection of this.members) tell(connection.actor, closing('restart'));
  }

  // --- at the end of a turn

  passOn(messages: readonly Message[]): void {
    const batch = new Batch(messages);
    if (this.received.observed) this.received.next(batch);
    else batch.nack(new TidegateError('TG_FLOW_FAILED', `no pipeline reads the endpoint ${this.name} at the moment`));
  }

  fanOut(chunk: Buffer, frames: readonly Buffer[]): void {
    for (const connection of this.members) connection.deliver(chunk, frames);
  }

  flush(connections: readonly Connection[]): void {
    for (const connection of connections) connection.flush();
  }

  // --- within

  private historyIsComplete(waiting: Iterable<Connection>): void {
    this.history?.sort();
    for (const connection of waiting) this.enter(connection);
  }

  private openRoom(): Room<Connection> | undefined {
    const { room, codec, clock, logger } = this.options;
    if (room === undefined || codec.membership === undefined) return undefined;
    return new Room({ ...room, membership: codec.membership, clock, logger }, this);
  }

  private enter(connection: Connection): void {
    if (this.room !== undefined) {
      this.room.enter(connection);
      return;
    }
    this.sendWaiting();
    connection.admit(connection.info.clientId);
    this.replay(connection);
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
