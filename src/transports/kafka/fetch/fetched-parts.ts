import type { Gap, TopicPartition } from '../../../core/log.ts';
import type { SettleTarget } from '../../../core/message.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Cluster, TopicView } from '../connection/cluster.ts';
import { KAFKA } from '../wire/protocol-errors.ts';
import { latestOffsets } from './offsets.ts';

/** A partition that is read. */
export interface FetchedPart {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to be delivered. */
  readonly position: number;
  /** Offset that the next record will get, as of the last fetch, or look where nothing is fetched; -1 before the first. */
  readonly end: number;
  /** When the fetch was sent that was answered without an error last, in milliseconds on the monotonic clock; -Infinity before. */
  readonly endAskedAt: number;
  /** Id of the topic that the position belongs to; undefined while no broker has given one. */
  readonly id: string | undefined;
}

/** A partition as its fetch loop sees it. */
export interface Part extends FetchedPart {
  position: number;
  end: number;
  endAskedAt: number;
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

/** On over records that are gone, back to the earliest one from behind the end, or into another topic of the name. */
export type Move = 'on' | 'back' | 'recreated';

/** How the log itself moves a position. */
export interface PositionEvents {
  /** Records that are not delivered; already counted. Subscribers of the gaps log them. */
  gap(gap: Gap): void;
  /** Called before the gap where the position is moved: what is in flight is gone from the log. */
  moved(part: FetchedPart, move: Move): void;
}

/**
 * The partitions that are read and the position in each, which survives reconnects, leader changes and broker freezes.
 * A position moves only by delivery, by its user, or over a gap that is counted and reported.
 */
export class FetchedParts implements Iterable<Part> {
  private readonly cluster: Cluster;
  private readonly events: PositionEvents;
  private readonly stats: Stats;
  private readonly parts = new Map<string, Part>();
  private rotation = 0;

  constructor(cluster: Cluster, events: PositionEvents, stats: Stats) {
    this.cluster = cluster;
    this.events = events;
    this.stats = stats;
  }

  [Symbol.iterator](): IterableIterator<Part> {
    return this.parts.values();
  }

  get(place: TopicPartition): Part | undefined {
    return this.parts.get(partitionKey(place));
  }

  assign(place: TopicPartition, position: number, { id, target }: PartOptions): void {
    const known = this.get(place);
    if (known === undefined) {
      const { topic, partition } = place;
      const endAskedAt = Number.NEGATIVE_INFINITY;
      const part = { topic, partition, position, end: -1, endAskedAt, id, target, paused: false, version: 0 };
      this.parts.set(partitionKey(place), part);
    } else {
      known.position = position;
      known.id = id ?? known.id;
      known.target = target;
      known.version += 1;
    }
  }

  unassign(place: TopicPartition): void {
    const part = this.get(place);
    if (part === undefined) return;
    part.version += 1;
    this.parts.delete(partitionKey(place));
  }

  /** Compares the ids of what is read with those in the last metadata. */
  checkIds(): void {
    for (const part of this.parts.values()) {
      const view = this.cluster.topic(part.topic);
      if (view === undefined || view.code !== KAFKA.NONE || view.id === part.id || view.id === undefined) continue;
      if (part.id === undefined) part.id = view.id;
      else this.beginAnew(part, view);
    }
  }

  /** Node id of the part's leader; -1 where none is known. */
  leaderOf(part: Part): number {
    return this.cluster.topic(part.topic)?.partitions[part.partition]?.leader ?? -1;
  }

  /** Those with this leader that are not paused, another one of them first each time: brokers fill answers in the order of the request. */
  ledBy(leader: number): Part[] {
    const led = [...this].filter((part) => !part.paused && this.leaderOf(part) === leader);
    const first = led.length < 2 ? 0 : this.rotation++ % led.length;
    return first === 0 ? led : [...led.slice(first), ...led.slice(0, first)];
  }

  /** A partition that is not fetched goes on growing, and its lag is to show that. Never rejects. */
  async readEndsOfIdle(isHeld: boolean): Promise<void> {
    const idle = [...this].filter(({ paused }) => paused || isHeld);
    for (const topic of new Set(idle.map((part) => part.topic))) {
      const parts = idle.filter((part) => part.topic === topic);
      const partitions = parts.map(({ partition }) => partition);
      const ends = await latestOffsets(this.cluster, topic, partitions).catch(() => new Map<number, number>());
      for (const part of parts) part.end = Math.max(part.end, ends.get(part.partition) ?? -1);
    }
  }

  /** The position is out of range: reading goes on at the earliest record, never at the end. */
  goToEarliest(part: Part, earliest: number): void {
    const { topic, partition, position } = part;
    part.position = earliest;
    part.version += 1;
    this.events.moved(part, earliest < position ? 'back' : 'on');
    this.skip({ topic, partition, from: position, to: earliest });
  }

  /** Counts and reports records that are not delivered. */
  skip(gap: Gap): void {
    const { topic, from, to } = gap;
    this.stats.counter('tidegate_reader_gap_records_total', { topic }).value += Math.max(0, to - from);
    this.events.gap(gap);
  }

  /** The topic was deleted and created again: reading goes on at the first record of the new one. */
  private beginAnew(part: Part, view: TopicView): void {
    const { topic, partition, position } = part;
    part.version += 1;
    // The new one has fewer partitions.
    if (view.partitions[partition] === undefined) {
      this.parts.delete(partitionKey(part));
      return;
    }
    part.id = view.id;
    part.position = 0;
    part.end = -1;
    this.stats.counter('tidegate_reader_recreated_partitions_total', { topic }).value += 1;
    this.events.moved(part, 'recreated');
    this.events.gap({ topic, partition, from: position, to: 0, recreated: true });
  }
}
