import { setTimeout } from 'node:timers/promises';
import { Endpoint } from '../../src/actors/endpoint/endpoint.ts';
import { replayStart } from '../../src/actors/endpoint/history.ts';
import { LeasedSink } from '../../src/actors/leased-sink.ts';
import { Topic } from '../../src/actors/topic/topic.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Codec, Sink } from '../../src/core/component.ts';
import type { Frame } from '../../src/core/frame.ts';
import type { Log } from '../../src/core/log.ts';
import { Permissions } from '../../src/core/permissions.ts';
import type { Socket, SocketHandler } from '../../src/core/socket.ts';
import type { PresenceObserver } from '../../src/rooms/port.ts';
import { Presence } from '../../src/rooms/presence.ts';
import { Room } from '../../src/rooms/room.ts';
import { presenceTopics } from '../../src/rooms/topics.ts';
import type { TopicPort } from '../../src/sdk/context.ts';
import { Follower } from '../../src/tables/follower.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../src/telemetry/tracing.ts';
import { createEmbeddedLog } from '../../src/transports/embedded/index.ts';
import { keptLogger } from '../unit/actors/rig.ts';
import { Freezer } from '../unit/rooms/freezer.ts';

/*
 * An endpoint's endpoint with its room, presence and topics, as the gateway puts them together, several times in one
 * process on one log: gateways without their listeners and pipelines, and peers without their network.
 */

export const ROOM = 'talk';
const END = '\0';
const LEASE = 90;
const NO_OPTIONS: GatewayOptions = {};
/** More than is ever said. */
const REPLAY = { last: 1_000, bytes: 1_000_000 };

export async function openRoomLog(): Promise<Log> {
  const log = createEmbeddedLog({
    memory: true,
    logger: keptLogger().logger,
    stats: createStats(),
    clock: systemClock,
  });
  await log.open();
  await log.admin.create({ name: ROOM, partitions: 2 });
  for (const topic of presenceTopics(ROOM)) await log.admin.create(topic);
  return log;
}

/** The client's end of a socket: the frames that it received, and how it was closed. */
export class Peer implements Socket {
  readonly wire = 'plain';
  readonly remote = '192.0.2.1';
  buffered = 0;
  /** Whether it takes nothing of what is written to it. */
  isStuck = false;
  readonly partial = 0;
  readonly isStarved = false;
  written = 0;
  readonly gateway: RoomGateway;
  readonly frames: string[] = [];
  closed: number | undefined;
  private handler: SocketHandler | undefined;
  private isPaused = false;
  private awaitsDrain = false;
  private readonly unread: string[] = [];

  constructor(gateway: RoomGateway) {
    this.gateway = gateway;
  }

  get isOpen(): boolean {
    return this.closed === undefined;
  }

  says(frame: string): void {
    if (!this.isOpen) return;
    this.unread.push(frame);
    this.read();
  }

  /** It reads again, and takes what waits for it. */
  takes(): void {
    this.isStuck = false;
    this.buffered = 0;
    if (!this.awaitsDrain) return;
    this.awaitsDrain = false;
    this.handler?.onDrain();
  }

  hangsUp(code = 1000): void {
    if (!this.isOpen) return;
    this.closed = code;
    this.handler?.onClose(code, '');
  }

  // --- what the gateway orders

  attach(handler: SocketHandler): void {
    this.handler = handler;
  }

  write(bytes: Buffer): void {
    this.written += bytes.length;
    if (!this.isOpen) return;
    if (this.isStuck) this.buffered += bytes.length;
    this.frames.push(...bytes.toString().split(END).slice(0, -1));
    this.gateway.heard();
  }

  notifyDrain(): void {
    this.awaitsDrain = true;
    if (!this.isStuck) setImmediate(() => this.takes());
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    setImmediate(() => this.read());
  }

  ping(): void {}

  close(code: number): void {
    setImmediate(() => this.hangsUp(code));
  }

  terminate(): void {
    this.hangsUp(1006);
  }

  private read(): void {
    while (this.isOpen && !this.isPaused && this.unread.length > 0)
      this.handler?.onFrame(Buffer.from(this.unread.shift() as string), false);
  }
}

export interface GatewayOptions {
  /** Milliseconds. */
  readonly lease?: number;
  /** Whether what members say is written whether the gateway has its lease or not. */
  readonly isReckless?: boolean;
}

export class RoomGateway {
  readonly presence: Presence;
  readonly kept = keptLogger();
  /** Called whenever a peer was written to. */
  heard: () => void = () => {};
  isUp = true;
  /** Records that it wrote, without its leases; and how many all gateways had written when it was last seen idle. */
  written = 0;
  idleAt = -1;
  private readonly freezer = new Freezer();
  private readonly endpoint: Endpoint;
  private readonly sink: LeasedSink;
  private readonly stats = createStats();
  private readonly follower: Follower;
  private readonly topics = new Map<string, Topic>();
  private readonly peers: Peer[] = [];

  /** `replays`: newcomers get what was said before they came. */
  constructor(given: Log, codec: Codec, replays: boolean, { lease = LEASE, isReckless = false } = NO_OPTIONS) {
    const { stats, freezer } = this;
    const log = freezer.log(given);
    const { logger } = this.kept;
    const topic = (name: string) => {
      const made = new Topic({ name, log, logger, stats, tracing: NO_TRACING });
      this.topics.set(name, made);
      return this.counting(made);
    };
    let presence: Presence | undefined;
    this.endpoint = new Endpoint({
      name: 'room',
      codec,
      limits: { messages: 100, bytes: 1_000_000, queue: 1_000_000, whenFull: 'disconnect' },
      sweep: { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 },
      room: (home) => {
        const open = (observer: PresenceObserver) => {
          presence = new Presence({
            endpoint: 'room',
            room: ROOM,
            log,
            write: topic,
            lease,
            isAlone: false,
            clock: freezer,
            logger,
            stats,
            observer,
          });
          return presence;
        };
        const { membership } = codec;
        if (membership === undefined) throw new Error('the codec has no room');
        return new Room({ membership, presence: open, clock: systemClock, logger }, home);
      },
      permissions: new Permissions({ direct: 'everyone', kick: 'everyone' }),
      ...(replays ? { replay: REPLAY } : {}),
      encode: ({ data }: Frame) => Buffer.from(`${data}${END}`),
      clock: systemClock,
      logger,
      stats,
      tracing: NO_TRACING,
    });
    if (presence === undefined) throw new Error('a codec without members has no room');
    this.presence = presence;
    const said = topic(ROOM);
    this.sink = new LeasedSink(sinkOf(said), this.presence.lease);
    void this.sink.open();
    this.endpoint.received$.subscribe((batch) => (isReckless ? said : this.sink).write(batch));
    const next = (batch: Parameters<Endpoint['deliver']>[0]) => this.endpoint.deliver(batch);
    const from = replays ? replayStart(REPLAY, systemClock.now()) : 'latest';
    this.follower = new Follower({ log, topics: [ROOM], from, clock: systemClock, logger, next });
    if (replays) this.endpoint.historyBegins();
  }

  get names(): readonly string[] {
    return this.presence.names;
  }

  get isReady(): boolean {
    return this.endpoint.notReadyReason === undefined;
  }

  /** How many other gateways it holds for alive. */
  get others(): number {
    const figure = this.stats.snapshot().find(({ name }) => name === 'tidegate_presence_gateways')?.points[0];
    return (figure as { readonly value: number } | undefined)?.value ?? 0;
  }

  /** Frames that peers had no room for. */
  get dropped(): number {
    return this.stats.counter('tidegate_frames_dropped_total', { endpoint: 'room', reason: 'slow' }).value;
  }

  /** Bytes that wait for its peers. */
  get heldBytes(): number {
    return this.endpoint.heldBytes;
  }

  /** Messages, direct messages and kicks of its peers whose outcome is not known. */
  get unsettled(): number {
    return this.endpoint.unsettled;
  }

  /** Whether the log has all that it wrote. */
  get isIdle(): boolean {
    return [...this.topics.values()].every(({ pending }) => pending === 0);
  }

  /** As SIGSTOP does: it hears no timer and reads nothing of the log until it thaws. */
  freeze(): void {
    this.freezer.isFrozen = true;
  }

  thaw(): void {
    this.freezer.thaw();
  }

  /** Its clock goes ahead: its lease is older than it would be. */
  skip(milliseconds: number): void {
    this.freezer.skipped += milliseconds;
  }

  /** Records and orders of dead gateways that it dropped. */
  get late(): number {
    return this.stats.counter('tidegate_presence_late_records_total', { endpoint: 'room' }).value;
  }

  start(): void {
    this.follower.open();
    void this.follower.caughtUp.then(() => {
      if (!this.isUp) return;
      this.presence.start();
      this.endpoint.resume();
      this.endpoint.historyIsRead();
    });
  }

  join(username?: string): Peer {
    const peer = new Peer(this);
    this.peers.push(peer);
    this.endpoint.join(peer, { params: username === undefined ? {} : { username }, query: {} }, undefined);
    return peer;
  }

  private counting(topic: Topic): TopicPort {
    return {
      get idle() {
        return topic.idle;
      },
      idle$: topic.idle$,
      write: (batch) => {
        for (const { key } of batch.messages) if (!key?.includes('/lease/')) this.written += 1;
        topic.write(batch);
      },
    };
  }

  /** As SIGKILL does: what was not sent never is, and no client receives anything any more. */
  async kill(): Promise<void> {
    this.isUp = false;
    this.presence.abandon();
    for (const topic of this.topics.values()) topic.abandon();
    for (const peer of this.peers) peer.hangsUp(1006);
    await Promise.all([this.endpoint.drain(0), this.presence.close(), this.follower.close()]);
  }

  /** As SIGTERM does, in the order of the data. */
  async stop(): Promise<void> {
    this.isUp = false;
    await this.endpoint.drain(0);
    // A client that has left may have a message here that waits for the lease, as it does in a pipeline.
    while (!this.sink.idle) await setTimeout(5);
    await this.presence.resign();
    await Promise.all([...this.topics.values()].map((topic) => topic.drained()));
    await Promise.all([this.presence.close(), this.follower.close()]);
  }
}

/** A sink of a pipeline that writes to the topic. */
function sinkOf(topic: TopicPort): Sink {
  return {
    open: async () => {},
    write: (batch) => topic.write(batch),
    idle: true,
    idle$: topic.idle$,
    close: async () => {},
  };
}
