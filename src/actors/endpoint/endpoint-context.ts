import { randomUUID } from 'node:crypto';
import type { AccessPort } from '../../core/access.ts';
import type { Baggage } from '../../core/baggage.ts';
import { ClientMemory } from '../../core/client-memory.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec } from '../../core/component.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Frame } from '../../core/frame.ts';
import type { Message } from '../../core/message.ts';
import { NO_PERMISSIONS, type Permissions } from '../../core/permissions.ts';
import { type Propagation, W3C } from '../../core/propagation.ts';
import type { WhenFull } from '../../core/send-queue.ts';
import { type EncodeFrame, SharedFrame, type Wire } from '../../core/shared-frame.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { ChannelEndpoint, EndpointChannels } from './channel-port.ts';
import { type ClientLimitRules, ClientLimits, NO_LIMITS } from './client-limits.ts';
import type { ReplayLimits } from './history.ts';
import type { EndpointMetrics } from './metrics.ts';
import { Payloads } from './payloads.ts';
import type { EndpointGuest, EndpointRoom, RoomEndpoint } from './room-port.ts';
import type { TickBatch } from './tick.ts';
import type { TopicClients } from './topic-clients.ts';

/** Limits of each connection of an endpoint: counts, bytes and milliseconds. */
export interface ConnectionLimits {
  /** In flight between socket and log. */
  readonly messages: number;
  readonly bytes: number;
  /** Bytes of the send queue and what happens when it is full. */
  readonly queue: number;
  readonly whenFull: WhenFull;
}

/** Time limits of each connection, in seconds. */
export interface SweepLimits {
  readonly pingInterval: number;
  /** A peer that has not been heard of for so long after a ping is dead. */
  readonly pingTimeout: number;
  /** Time from the first byte of a message until it must be complete. */
  readonly frameTimeout: number;
  /** A peer must take at least one byte in this time while bytes wait for it. */
  readonly stallTimeout: number;
}

export interface EndpointOptions {
  readonly name: string;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly filteredIsError?: boolean;
  readonly keepsRejected?: boolean;
  readonly sweep: SweepLimits;
  /** How much clients may send; without limit where it is missing. */
  readonly clientLimits?: ClientLimitRules | undefined;
  /** For a codec whose clients know of each other. */
  readonly room?: (endpoint: RoomEndpoint<EndpointGuest>) => EndpointRoom<EndpointGuest>;
  readonly replay?: ReplayLimits;
  /** Where clients are subscribed to channels. */
  readonly channels?: (endpoint: ChannelEndpoint) => EndpointChannels;
  /** Whether clients may ask for subscriptions to them; false where it is left out. */
  readonly takesSubscriptions?: boolean;
  /** Whether clients may publish to them; false where it is left out. */
  readonly takesPublications?: boolean;
  /** For a codec whose clients work with topics by themselves. */
  readonly topics?: TopicClients;
  /** What clients may do of whom nothing has to be found out. Nothing where it is left out. */
  readonly permissions?: Permissions;
  /** Where something has to be found out about each client. */
  readonly access?: AccessPort;
  /** Parameters of handshakes in which tokens are expected: messages do not have them. */
  readonly tokenParameters?: ReadonlySet<string>;
  /** Clients only receive: no pipeline reads what they send. */
  readonly isOutputOnly?: boolean;
  /** Told of each connection that has ended. `id`: what `join` called it, whatever its room called it later. */
  readonly closed?: (id: string, connection: ConnectionInfo, code: number, reason: string) => void;
  readonly encode: EncodeFrame;
  /** For `latest`: what a record is the newest value of; undefined for one that no other takes the place of. Does not throw. */
  readonly keyOf?: ((record: Message) => string | undefined) | undefined;
  /** Shared with all endpoints of the gateway; without limit where it is missing. */
  readonly memory?: ClientMemory;
  readonly clock: Clock;
  /** Gives the ids of clients; random ones if left out. */
  readonly newId?: () => string;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: Tracing;
  /** W3C where it is left out. */
  readonly propagation?: Propagation;
  readonly baggage?: Baggage | undefined;
}

/** What may change while clients are connected. */
export type EndpointChanges = Pick<
  EndpointOptions,
  | 'limits'
  | 'keyOf'
  | 'filteredIsError'
  | 'keepsRejected'
  | 'sweep'
  | 'clientLimits'
  | 'tokenParameters'
  | 'permissions'
  | 'access'
  | 'takesSubscriptions'
  | 'takesPublications'
  | 'closed'
>;

/** What all connections of an endpoint share; kept in one place because there are thousands of them. */
export class EndpointContext {
  readonly name: string;
  readonly codec: Codec;
  limits: ConnectionLimits;
  /** Whether a message that a processor ended is answered to the client as a failure. */
  filteredIsError: boolean;
  /** Whether a frame that the codec refuses goes to the dead letters of the pipeline, besides being answered. */
  keepsRejected: boolean;
  /** undefined where clients may send any number of messages. */
  clientLimits: ClientLimits | undefined;
  tokenParameters: ReadonlySet<string>;
  /** Seconds between two pings to a client. */
  pingInterval: number;
  /** What is held for clients of the gateway. */
  readonly memory: ClientMemory;
  readonly clock: Clock;
  /** Gives the ids of clients. */
  readonly newId: () => string;
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** How frames say which trace they belong to. */
  readonly propagation: Propagation;
  /** undefined where baggage is not carried. */
  readonly baggage: Baggage | undefined;
  readonly metrics: EndpointMetrics;
  /** Takes messages for the pipelines, and answers that leave at the end of the tick. */
  readonly tick: TickBatch<Message>;
  /** Where clients work with topics by themselves. */
  readonly topics: TopicClients | undefined;
  permissions: Permissions;
  access: AccessPort | undefined;
  /** Whether clients that come may ask for subscriptions, where the codec has frames for that. */
  takesSubscriptions: boolean;
  /** Whether they may publish to channels, where the codec has frames for that. */
  takesPublications: boolean;
  /** What long answers to them have in common. */
  readonly payloads: Payloads;
  /** A frame of which each wire's bytes are made once. */
  readonly share: (frame: Frame) => SharedFrame;
  /** Where records take the place of older ones of their key. */
  keyOf: EndpointOptions['keyOf'];
  /** Where clients know of each other; set before the first one comes. */
  room: EndpointRoom<EndpointGuest> | undefined;
  /** Where clients are subscribed to channels; set before the first one comes. */
  channels: EndpointChannels | undefined;
  private readonly hasReplay: boolean;
  /** The endpoint's own coarse clock: whole seconds, counted by the sweep. */
  seconds = 1;
  /** Whether the pipelines behind the endpoint want no more for now. */
  isCongested = true;

  constructor(options: EndpointOptions, metrics: EndpointMetrics, tick: TickBatch<Message>) {
    this.name = options.name;
    this.codec = options.codec;
    this.limits = options.limits;
    this.filteredIsError = options.filteredIsError ?? false;
    this.keepsRejected = options.keepsRejected ?? false;
    this.memory = options.memory ?? new ClientMemory();
    this.clock = options.clock;
    this.newId = options.newId ?? randomUUID;
    this.logger = options.logger;
    this.tracing = options.tracing;
    this.propagation = options.propagation ?? W3C;
    this.baggage = options.baggage;
    this.metrics = metrics;
    this.tokenParameters = options.tokenParameters ?? new Set();
    this.pingInterval = options.sweep.pingInterval;
    this.clientLimits =
      options.clientLimits && new ClientLimits(options.clientLimits, { ...options, endpoint: options.name, metrics });
    this.tick = tick;
    this.topics = options.topics;
    this.permissions = options.permissions ?? NO_PERMISSIONS;
    this.access = options.access;
    this.takesSubscriptions = options.takesSubscriptions ?? false;
    this.takesPublications = options.takesPublications ?? false;
    this.payloads = new Payloads((view) => this.codec.topics?.payload(view) ?? []);
    this.share = sharingLast(options.encode);
    this.keyOf = options.keyOf;
    this.hasReplay = options.replay !== undefined;
  }

  /** Clients that came while nothing was limited stay without limits. */
  update(changes: EndpointChanges): void {
    this.limits = changes.limits;
    this.keyOf = changes.keyOf;
    this.filteredIsError = changes.filteredIsError ?? false;
    this.keepsRejected = changes.keepsRejected ?? false;
    this.tokenParameters = changes.tokenParameters ?? new Set();
    this.pingInterval = changes.sweep.pingInterval;
    this.permissions = changes.permissions ?? NO_PERMISSIONS;
    this.access = changes.access;
    this.takesSubscriptions = changes.takesSubscriptions ?? false;
    this.takesPublications = changes.takesPublications ?? false;
    const { clientLimits, name: endpoint, clock, logger, metrics } = this;
    const rules = changes.clientLimits;
    if (clientLimits !== undefined) clientLimits.update(rules ?? NO_LIMITS);
    else if (rules !== undefined) this.clientLimits = new ClientLimits(rules, { endpoint, clock, logger, metrics });
  }

  /** Whether clients wait until they are let in. */
  get isGuarded(): boolean {
    return this.hasReplay || this.room !== undefined || this.channels?.hasHistory === true;
  }

  /** The bytes of a frame for one socket. */
  encode(frame: Frame, wire: Wire): Buffer {
    return this.share(frame).bytes(wire);
  }

  /** Whether clients ask for topics. */
  get hasTopics(): boolean {
    return this.topics !== undefined || this.codec.topics !== undefined;
  }
}

/** A codec gives the same object for equal answers of one millisecond: the bytes of the last frame are kept. */
function sharingLast(encode: EncodeFrame): (frame: Frame) => SharedFrame {
  let last: SharedFrame | undefined;
  let lastFrame: Frame | undefined;
  return (frame) => {
    if (last !== undefined && lastFrame === frame) return last;
    last = new SharedFrame(frame, encode);
    lastFrame = frame;
    return last;
  };
}
