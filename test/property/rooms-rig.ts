import { Audience } from '../../src/actors/audience/audience.ts';
import { replayStart } from '../../src/actors/audience/history.ts';
import { Follower } from '../../src/actors/follower.ts';
import { Presence } from '../../src/actors/presence/presence.ts';
import { presenceTopics } from '../../src/actors/presence/topics.ts';
import { Topic } from '../../src/actors/topic/topic.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Codec, Frame } from '../../src/core/component.ts';
import type { Log } from '../../src/core/log.ts';
import type { Socket, SocketHandler } from '../../src/core/socket.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../src/telemetry/tracing.ts';
import { createEmbeddedLog } from '../../src/transports/embedded/index.ts';
import { keptLogger } from '../unit/actors/rig.ts';

/*
 * An endpoint's audience with its room, presence and topics, as the gateway puts them together, several times in one
 * process on one log: gateways without their listeners and pipelines, and peers without their network.
 */

const ROOM = 'talk';
const END = '\0';
const LEASE = 90;
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

/** The other end of a socket: what it was told, and how it was closed. */
export class Peer implements Socket {
  readonly remote = '192.0.2.1';
  readonly buffered = 0;
  readonly partial = 0;
  written = 0;
  readonly gateway: RoomGateway;
  readonly frames: string[] = [];
  closed: number | undefined;
  private handler: SocketHandler | undefined;
  private isPaused = false;
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
    this.frames.push(...bytes.toString().split(END).slice(0, -1));
    this.gateway.heard();
  }

  notifyDrain(): void {}

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

export class RoomGateway {
  readonly presence: Presence;
  readonly kept = keptLogger();
  /** Is told whenever a peer was written to. */
  heard: () => void = () => {};
  isUp = true;
  private readonly audience: Audience;
  private readonly stats = createStats();
  private readonly follower: Follower;
  private readonly topics = new Map<string, Topic>();
  private readonly peers: Peer[] = [];

  /** `replays`: newcomers get what was said before they came. */
  constructor(log: Log, codec: Codec, replays: boolean) {
    const { stats } = this;
    const { logger } = this.kept;
    const topic = (name: string) => {
      const made = new Topic({ name, log, logger, stats, tracing: NO_TRACING });
      this.topics.set(name, made);
      return made;
    };
    let presence: Presence | undefined;
    this.audience = new Audience({
      name: 'room',
      codec,
      limits: { messages: 100, bytes: 1_000_000, queue: 1_000_000, whenFull: 'disconnect' },
      sweep: { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 },
      room: {
        presence: (observer) => {
          presence = new Presence({
            endpoint: 'room',
            room: ROOM,
            log,
            write: topic,
            lease: LEASE,
            isAlone: false,
            clock: systemClock,
            logger,
            stats,
            observer,
          });
          return presence;
        },
        allow: { direct: 'everyone', kick: 'everyone' },
      },
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
    this.audience.received$.subscribe((batch) => said.write(batch));
    const next = (batch: Parameters<Audience['deliver']>[0]) => this.audience.deliver(batch);
    const from = replays ? replayStart(REPLAY, systemClock.now()) : 'latest';
    this.follower = new Follower({ log, topics: [ROOM], from, clock: systemClock, logger, next });
    if (replays) this.audience.historyBegins();
  }

  get names(): readonly string[] {
    return this.presence.names;
  }

  get isReady(): boolean {
    return this.audience.trouble === undefined;
  }

  /** How many other gateways it holds for alive. */
  get others(): number {
    const figure = this.stats.snapshot().find(({ name }) => name === 'tidegate_presence_gateways')?.points[0];
    return (figure as { readonly value: number } | undefined)?.value ?? 0;
  }

  /** Whether the log has all that it wrote. */
  get isQuiet(): boolean {
    return [...this.topics.values()].every(({ pending }) => pending === 0);
  }

  start(): void {
    this.follower.open();
    void this.follower.caughtUp.then(() => {
      if (!this.isUp) return;
      this.presence.start();
      this.audience.resume();
      this.audience.historyIsRead();
    });
  }

  join(username?: string): Peer {
    const peer = new Peer(this);
    this.peers.push(peer);
    this.audience.join(peer, { params: username === undefined ? {} : { username }, query: {} }, undefined);
    return peer;
  }

  /** As SIGKILL does: what was not sent never is, and nobody hears anything any more. */
  async kill(): Promise<void> {
    this.isUp = false;
    for (const topic of this.topics.values()) topic.abandon();
    for (const peer of this.peers) peer.hangsUp(1006);
    await Promise.all([this.audience.drain(0), this.presence.close(), this.follower.close()]);
  }

  /** As SIGTERM does, in the order of the data. */
  async stop(): Promise<void> {
    this.isUp = false;
    await this.audience.drain(0);
    await this.presence.resign();
    await Promise.all([...this.topics.values()].map((topic) => topic.drained()));
    await Promise.all([this.presence.close(), this.follower.close()]);
  }
}
