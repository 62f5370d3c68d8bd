import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Gap, TopicPartition } from '../../core/log.ts';
import type { Message, SettleTarget } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Cluster, TopicView } from './cluster.ts';
import { decodeRecords } from './decode.ts';
import { fetchFrom } from './fetch.ts';
import type { FetchedPartition } from './fetch-request.ts';
import { earliestOffsets, latestOffsets } from './offsets.ts';
import { brokerError, KAFKA, kafkaCode, logError } from './protocol-errors.ts';

/** `maxWait` is short, because whatever is resumed, sought or added waits for the poll under way. */
const LIMITS = { maxWait: 100, maxBytes: 1_048_576, maxBytesPerPartition: 262_144 };
/**
 * Once so much was unpacked of an answer the rest of it is fetched again: what is handed over at a time, and keeps the event
 * loop, does not grow with how well records compress. Four times `maxBytes`, so that most answers are taken whole.
 */
const MAX_UNPACKED_ANSWER = 4 * LIMITS.maxBytes;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** A refusal by right may be lifted, but not soon. */
const REFUSED_PAUSE = 5_000;
/** Leaders and partitions are looked up this often at least. */
const METADATA_INTERVAL = 3_000;

/** A partition that is read. */
export interface FetchedPart {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to be delivered. */
  readonly position: number;
  /** Offset that the next record will get, as of the last fetch, or look where nothing is fetched; -1 before the first. */
  readonly end: number;
  /** Id of the topic that the position belongs to; undefined while no broker has told one. */
  readonly id: string | undefined;
}

export interface FetchEvents {
  /** Takes messages of one partition and returns how many; the rest is read again later. */
  deliver(part: FetchedPart, messages: Message[]): number;
  /** Told of what is not delivered, once it is counted. */
  gap(gap: Gap): void;
  /** Told before the gap where the position is moved: what is in flight is gone from the log. */
  moved(part: FetchedPart, isRecreated: boolean): void;
  /** Reading is refused for a reason that waiting does not change; it is tried again all the same. */
  refused(failure: TidegateError): void;
  /** Metadata was read: partitions may have appeared. */
  metadata(): void;
}

interface FetcherParts {
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
}

interface Part extends FetchedPart {
  position: number;
  end: number;
  id: string | undefined;
  target: SettleTarget | undefined;
  paused: boolean;
  /** Moves on whenever what is being fetched is no longer wanted. */
  version: number;
}

export interface PartOptions {
  readonly id?: string | undefined;
  readonly target?: SettleTarget | undefined;
}

/**
 * Reads partitions by one loop per leader: positions are kept here and survive reconnects, leader changes and broker
 * freezes. A position that is out of range is a gap, and reading goes on at the earliest record. So is a topic that was
 * deleted and created again, which its id shows: reading goes on at the first record of the new one.
 */
export class Fetcher {
  private readonly cluster: Cluster;
  private readonly events: FetchEvents;
  private readonly logger: Logger;
  private readonly stats: Stats;
  private readonly clock: Clock;
  private readonly parts = new Map<string, Part>();
  private readonly loops = new Set<number>();
  private readonly wakers = new Set<() => void>();
  private running = false;
  private closed = false;
  private held = false;
  private turn = 0;
  private cancelRefresh: (() => void) | undefined;

  constructor(cluster: Cluster, events: FetchEvents, { logger, stats, clock }: FetcherParts) {
    this.cluster = cluster;
    this.events = events;
    this.logger = logger;
    this.stats = stats;
    this.clock = clock;
  }

  start(): void {
    if (this.running || this.closed) return;
    this.running = true;
    this.scheduleRefresh();
    this.kick();
  }

  /** Ends reading; positions can still be asked for. */
  close(): void {
    this.closed = true;
    this.cancelRefresh?.();
    for (const wake of this.wakers) wake();
  }

  assigned(): IterableIterator<FetchedPart> {
    return this.parts.values();
  }

  /** Offset that the next record of a partition will get, as of the last fetch; -1 where that is not known. */
  endOf(topic: string, partition: number): number {
    return this.parts.get(keyOf(topic, partition))?.end ?? -1;
  }

  has(topic: string, partition: number): boolean {
    return this.parts.has(keyOf(topic, partition));
  }

  part({ topic, partition }: TopicPartition): FetchedPart | undefined {
    return this.parts.get(keyOf(topic, partition));
  }

  /**
   * Begins to read a partition, or goes on elsewhere in it; what is being fetched from it is dropped. `id`: of the topic
   * that the position belongs to, where that is known; a partition that is read already keeps its own where it is left out.
   */
  assign(topic: string, partition: number, position: number, { id, target }: PartOptions = {}): void {
    const key = keyOf(topic, partition);
    const known = this.parts.get(key);
    if (known === undefined) {
      this.parts.set(key, { topic, partition, position, end: -1, id, target, paused: false, version: 0 });
    } else {
      known.position = position;
      known.id = id ?? known.id;
      known.target = target;
      known.version += 1;
    }
    this.kick();
  }

  unassign(topic: string, partition: number): void {
    const key = keyOf(topic, partition);
    const part = this.parts.get(key);
    if (part === undefined) return;
    part.version += 1;
    this.parts.delete(key);
  }

  pause(topic: string, partition: number, paused: boolean): void {
    const part = this.parts.get(keyOf(topic, partition));
    if (part === undefined || part.paused === paused) return;
    part.paused = paused;
    if (!paused) this.kick();
  }

  /** Holds all partitions, also those that come later. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.kick();
  }

  /** Compares the ids of what is read with those that the brokers told last. */
  checkIds(): void {
    for (const part of this.parts.values()) {
      const view = this.cluster.topic(part.topic);
      if (view === undefined || view.code !== KAFKA.NONE || view.id === part.id || view.id === undefined) continue;
      if (part.id === undefined) part.id = view.id;
      else this.beginAnew(part, view);
    }
  }

  private kick(): void {
    if (!this.running || this.closed || this.held) return;
    for (const part of this.parts.values()) {
      const leader = this.leaderOf(part);
      if (leader < 0 || part.paused || this.loops.has(leader)) continue;
      this.loops.add(leader);
      void this.readFrom(leader);
    }
  }

  private leaderOf(part: Part): number {
    return this.cluster.topic(part.topic)?.partitions[part.partition]?.leader ?? -1;
  }

  private wanted(leader: number): Part[] {
    if (this.closed || this.held) return [];
    this.checkIds();
    const parts: Part[] = [];
    for (const part of this.parts.values()) {
      if (!part.paused && this.leaderOf(part) === leader) parts.push(part);
    }
    // Brokers fill the answer in the order of the request: everyone is to be first at times.
    const first = parts.length < 2 ? 0 : this.turn++ % parts.length;
    return first === 0 ? parts : [...parts.slice(first), ...parts.slice(0, first)];
  }

  /** Ends when there is nothing to read from this broker, and never rejects. */
  private async readFrom(leader: number): Promise<void> {
    let pause = FIRST_PAUSE;
    for (let parts = this.wanted(leader); parts.length > 0; parts = this.wanted(leader)) {
      try {
        const wait = await this.fetch(leader, parts);
        pause = FIRST_PAUSE;
        if (wait > 0) await this.wait(wait);
      } catch (error) {
        if (this.closed) break;
        this.logger.debug({ broker: leader, reason: String(error) }, 'A fetch failed and is repeated');
        await this.wait(pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE);
        await this.refresh();
      }
    }
    this.loops.delete(leader);
    this.kick();
  }

  /** Returns how long to wait before the next one, in milliseconds. */
  private async fetch(leader: number, parts: readonly Part[]): Promise<number> {
    const asked = new Map(parts.map((part) => [keyOf(part.topic, part.partition), { part, version: part.version }]));
    const positions = parts.map(({ topic, id, partition, position }) => ({ topic, id, partition, offset: position }));
    const answer = await fetchFrom(this.cluster.node(leader), positions, LIMITS);
    let wait = answer.throttle;
    let room = MAX_UNPACKED_ANSWER;
    if (this.closed) return wait;
    for (const fetched of answer.partitions) {
      const one = asked.get(keyOf(fetched.topic, fetched.partition));
      if (one === undefined || one.part.version !== one.version) continue;
      if (fetched.code === KAFKA.NONE) room -= this.take(one.part, fetched, room);
      else wait = Math.max(wait, await this.recover(one.part, fetched.code));
    }
    return wait;
  }

  /** Returns how many bytes were unpacked. */
  private take(part: Part, fetched: FetchedPartition, room: number): number {
    part.end = fetched.end;
    if (fetched.records.length === 0) return 0;
    const { messages, next, unpacked, unreadable } = decodeRecords(fetched, part.position, part.target, room);
    if (unreadable !== undefined) {
      const { topic, partition } = part;
      this.logger.error(
        { topic, partition, ...unreadable },
        `Records of ${topic} cannot be read: ${unreadable.reason}`,
      );
      this.skip({ topic, partition, ...unreadable });
    }
    const { version } = part;
    const taken = messages.length === 0 ? 0 : this.events.deliver(part, messages);
    // Whoever took the messages may have sought elsewhere.
    if (part.version === version) part.position = taken < messages.length ? (messages[taken] as Message).offset : next;
    return unpacked;
  }

  private async recover(part: Part, code: number): Promise<number> {
    switch (code) {
      case KAFKA.OFFSET_OUT_OF_RANGE:
        await this.goToEarliest(part);
        return 0;
      case KAFKA.TOPIC_AUTHORIZATION_FAILED:
        this.events.refused(logError(brokerError(code), `Topic ${part.topic}`));
        return REFUSED_PAUSE;
      default: {
        // Leaders move, topics go and come back; with another id, where they were deleted.
        const { version } = part;
        await this.refresh();
        return part.version === version ? FIRST_PAUSE : 0;
      }
    }
  }

  private beginAnew(part: Part, view: TopicView): void {
    const { topic, partition, position } = part;
    part.version += 1;
    // The new one has fewer partitions.
    if (view.partitions[partition] === undefined) {
      this.parts.delete(keyOf(topic, partition));
      return;
    }
    part.id = view.id;
    part.position = 0;
    part.end = -1;
    this.stats.counter('tidegate_reader_recreated_partitions_total', { topic }).value += 1;
    this.events.moved(part, true);
    this.events.gap({ topic, partition, from: position, to: 0, recreated: true });
  }

  private async goToEarliest(part: Part): Promise<void> {
    const { topic, partition, position, version } = part;
    const earliest = (await earliestOffsets(this.cluster, topic, [partition])).get(partition) ?? 0;
    if (part.version !== version) return;
    part.position = earliest;
    part.version += 1;
    this.events.moved(part, false);
    this.logger.warn(
      { topic, partition, from: position, to: earliest },
      `Offset ${position} of ${topic}/${partition} is out of range; reading goes on at the earliest record, ${earliest}`,
    );
    this.skip({ topic, partition, from: position, to: earliest });
  }

  private skip(gap: Gap): void {
    const { topic, from, to } = gap;
    this.stats.counter('tidegate_reader_gap_records_total', { topic }).value += Math.max(0, to - from);
    this.events.gap(gap);
  }

  private scheduleRefresh(): void {
    this.cancelRefresh = this.clock.after(METADATA_INTERVAL, () => {
      void this.refresh()
        .then(() => this.lookAtEnds())
        .then(() => {
          if (!this.closed) this.scheduleRefresh();
        });
    });
  }

  /** A partition that is not fetched goes on growing, and whoever asks how far it is behind is to know. */
  private async lookAtEnds(): Promise<void> {
    const idle = [...this.parts.values()].filter(({ paused }) => paused || this.held);
    for (const topic of new Set(idle.map((part) => part.topic))) {
      const parts = idle.filter((part) => part.topic === topic);
      const partitions = parts.map(({ partition }) => partition);
      const ends = await latestOffsets(this.cluster, topic, partitions).catch(() => new Map<number, number>());
      for (const part of parts) part.end = Math.max(part.end, ends.get(part.partition) ?? -1);
    }
  }

  private async refresh(): Promise<void> {
    try {
      await this.cluster.refresh();
      if (this.closed) return;
      this.checkIds();
      this.events.metadata();
      this.kick();
    } catch (error) {
      if (kafkaCode(error) !== undefined) this.logger.debug({ reason: String(error) }, 'Metadata could not be read');
    }
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.wakers.delete(done);
        resolve();
      };
      const cancel = this.clock.after(milliseconds, done);
      this.wakers.add(done);
    });
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
