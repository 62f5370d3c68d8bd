import type { Clock } from '../../../core/clock.ts';
import type { TidegateError } from '../../../core/errors.ts';
import type { TopicPartition } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { pause } from '../../../core/waiting.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { FetchedPartition } from '../wire/fetch-request.ts';
import { brokerError, KAFKA, kafkaCode, logError } from '../wire/protocol-errors.ts';
import { decodeRecords } from './decode.ts';
import { fetchFrom } from './fetch.ts';
import { type FetchedPart, FetchedParts, type Part, type PartOptions, type PositionEvents } from './fetched-parts.ts';
import { earliestOffsets } from './offsets.ts';

export type { FetchedPart } from './fetched-parts.ts';

/** `maxWait` is short, because whatever is resumed, sought or added waits for the fetch in flight. */
const LIMITS = { maxWait: 100, maxBytes: 1_048_576, maxBytesPerPartition: 262_144 };
/**
 * Once so much was unpacked of an answer the rest of it is fetched again: what is handed over at a time, and keeps the event
 * loop, does not grow with how well records compress. Four times `maxBytes`, so that most answers are taken whole.
 */
const MAX_UNPACKED_ANSWER = 4 * LIMITS.maxBytes;
const INITIAL_PAUSE = 100;
const MAX_PAUSE = 1_000;
/** Permissions may be granted later, but not soon. */
const REFUSED_PAUSE = 5_000;
/** Leaders and partitions are looked up this often at least. */
const METADATA_INTERVAL = 3_000;

export interface FetchEvents extends PositionEvents {
  /** Takes messages of one partition and returns how many; the rest is read again later. */
  deliver(part: FetchedPart, messages: Message[]): number;
  /** Reading is refused for a reason that waiting does not change; it is tried again all the same. */
  refused(failure: TidegateError): void;
  /** Metadata was read: partitions may have appeared. */
  metadata(): void;
}

interface FetcherParts {
  readonly propagation?: Propagation | undefined;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** Reads partitions by one loop per leader, each from its position on. */
export class Fetcher {
  private readonly cluster: Cluster;
  private readonly events: FetchEvents;
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly propagation: Propagation | undefined;
  private readonly parts: FetchedParts;
  /** Leaders that have a loop. */
  private readonly loops = new Set<number>();
  private readonly closing = new AbortController();
  private running = false;
  private held = false;
  private cancelRefresh: (() => void) | undefined;

  constructor(cluster: Cluster, events: FetchEvents, { logger, stats, clock, propagation }: FetcherParts) {
    this.cluster = cluster;
    this.events = events;
    this.logger = logger;
    this.clock = clock;
    this.propagation = propagation;
    this.parts = new FetchedParts(cluster, events, stats);
  }

  start(): void {
    if (this.running || this.isClosed) return;
    this.running = true;
    this.scheduleRefresh();
    this.startLoops();
  }

  /** Ends reading; positions can still be asked for. */
  close(): void {
    this.closing.abort();
    this.cancelRefresh?.();
  }

  assigned(): IterableIterator<FetchedPart> {
    return this.parts[Symbol.iterator]();
  }

  /** Offset that the next record of a partition will get, as of the last fetch; -1 where that is not known. */
  endOf(topic: string, partition: number): number {
    return this.parts.get({ topic, partition })?.end ?? -1;
  }

  has(topic: string, partition: number): boolean {
    return this.parts.get({ topic, partition }) !== undefined;
  }

  part(place: TopicPartition): FetchedPart | undefined {
    return this.parts.get(place);
  }

  /**
   * Begins to read a partition, or goes on elsewhere in it; what is being fetched from it is dropped. `id`: of the topic
   * that the position belongs to, where that is known; a partition that is read already keeps its own where it is left out.
   */
  assign(topic: string, partition: number, position: number, options: PartOptions = {}): void {
    this.parts.assign({ topic, partition }, position, options);
    this.startLoops();
  }

  unassign(topic: string, partition: number): void {
    this.parts.unassign({ topic, partition });
  }

  pause(topic: string, partition: number, paused: boolean): void {
    const part = this.parts.get({ topic, partition });
    if (part === undefined || part.paused === paused) return;
    part.paused = paused;
    if (!paused) this.startLoops();
  }

  /** Holds all partitions, also those that come later. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.startLoops();
  }

  /** Compares the ids of what is read with those in the last metadata. */
  checkIds(): void {
    this.parts.checkIds();
  }

  private get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private startLoops(): void {
    if (!this.running || this.isClosed || this.held) return;
    for (const part of this.parts) {
      const leader = this.parts.leaderOf(part);
      if (leader < 0 || part.paused || this.loops.has(leader)) continue;
      this.loops.add(leader);
      void this.readFrom(leader);
    }
  }

  private wanted(leader: number): Part[] {
    if (this.isClosed || this.held) return [];
    this.checkIds();
    return this.parts.ledBy(leader);
  }

  /** Ends when there is nothing to read from this broker, and never rejects. */
  private async readFrom(leader: number): Promise<void> {
    let wait = INITIAL_PAUSE;
    for (let parts = this.wanted(leader); parts.length > 0; parts = this.wanted(leader)) {
      try {
        const asked = await this.fetch(leader, parts);
        wait = INITIAL_PAUSE;
        if (asked > 0) await pause(this.clock, asked, this.closing.signal);
      } catch (error) {
        if (this.isClosed) break;
        this.logger.debug({ broker: leader, reason: String(error) }, 'a fetch failed and is repeated');
        await pause(this.clock, wait, this.closing.signal);
        wait = Math.min(wait * 2, MAX_PAUSE);
        await this.refresh();
      }
    }
    this.loops.delete(leader);
    this.startLoops();
  }

  /** Resolves with how long to wait before the next one, in milliseconds. */
  private async fetch(leader: number, parts: readonly Part[]): Promise<number> {
    const asked = new Map(parts.map((part) => [partitionKey(part), { part, version: part.version }]));
    const positions = parts.map(({ topic, id, partition, position }) => ({ topic, id, partition, offset: position }));
    const askedAt = this.clock.elapsed();
    const answer = await fetchFrom(this.cluster.node(leader), positions, LIMITS);
    let wait = answer.throttle;
    let room = MAX_UNPACKED_ANSWER;
    if (this.isClosed) return wait;
    for (const fetched of answer.partitions) {
      const one = asked.get(partitionKey(fetched));
      if (one === undefined || one.part.version !== one.version) continue;
      if (fetched.code === KAFKA.NONE) {
        one.part.endAskedAt = askedAt;
        room -= this.take(one.part, fetched, room);
      } else wait = Math.max(wait, await this.recover(one.part, fetched.code));
    }
    return wait;
  }

  /** Returns how many bytes were unpacked. */
  private take(part: Part, fetched: FetchedPartition, room: number): number {
    part.end = fetched.end;
    if (fetched.records.length === 0) return 0;
    const { topic, partition, position, target } = part;
    const decoded = decodeRecords(fetched, position, target, room, this.propagation);
    const { messages, next, unpacked, unreadable } = decoded;
    if (unreadable !== undefined) this.parts.skip({ topic, partition, ...unreadable });
    const { version } = part;
    const taken = messages.length === 0 ? 0 : this.events.deliver(part, messages);
    // The receiver of the messages may have sought elsewhere.
    if (part.version === version) part.position = taken < messages.length ? (messages[taken] as Message).offset : next;
    return unpacked;
  }

  /** Acts on an error of one partition, and resolves with how long to wait, in milliseconds. */
  private async recover(part: Part, code: number): Promise<number> {
    const { topic, partition, version } = part;
    switch (code) {
      case KAFKA.OFFSET_OUT_OF_RANGE: {
        const earliest = (await earliestOffsets(this.cluster, topic, [partition])).get(partition) ?? 0;
        if (part.version === version) this.parts.goToEarliest(part, earliest);
        return 0;
      }
      case KAFKA.TOPIC_AUTHORIZATION_FAILED:
        this.events.refused(logError(brokerError(code), `topic ${topic}`));
        return REFUSED_PAUSE;
      default:
        // Leaders move, topics go and come back; with another id, where they were deleted.
        await this.refresh();
        return part.version === version ? INITIAL_PAUSE : 0;
    }
  }

  private scheduleRefresh(): void {
    this.cancelRefresh = this.clock.after(METADATA_INTERVAL, () => {
      void this.refresh()
        .then(() => this.parts.readEndsOfIdle(this.held))
        .then(() => {
          if (!this.isClosed) this.scheduleRefresh();
        });
    });
  }

  private async refresh(): Promise<void> {
    try {
      await this.cluster.refresh();
      if (this.isClosed) return;
      this.checkIds();
      this.events.metadata();
      this.startLoops();
    } catch (error) {
      if (kafkaCode(error) !== undefined) this.logger.debug({ reason: String(error) }, 'metadata could not be read');
    }
  }
}
