import type { Clock } from '../../../core/clock.ts';
import type { GroupState } from '../../../core/group-state.ts';
import type { TopicPartition } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { GroupCommit } from '../../group-commit.ts';
import type { Move } from '../fetch/fetched-parts.ts';
import type { FetchedPart, Fetcher } from '../fetch/fetcher.ts';
import { HandOver } from './hand-over.ts';
import { OwnedPartition } from './owned-partition.ts';

export interface OwnedPartitionsOptions {
  readonly group: string;
  /** Messages of one partition that may be unsettled. */
  readonly maxUnsettled: number;
  /** How many of these messages, which are all of one partition, may be handed on now; all of them where it is left out. */
  readonly admit: ((messages: readonly Message[]) => number) | undefined;
  /** What rebuilds its state by reading again. */
  readonly state: GroupState | undefined;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** The partitions that a group member owns now: what is read of each, and what of it is still in flight. */
export class OwnedPartitions implements Iterable<OwnedPartition> {
  private readonly options: OwnedPartitionsOptions;
  private readonly fetcher: Fetcher;
  private readonly handOver: HandOver;
  private readonly partitions = new Map<string, OwnedPartition>();
  private readonly lagGauges = new Map<string, () => void>();

  constructor(fetcher: Fetcher, options: OwnedPartitionsOptions) {
    this.fetcher = fetcher;
    this.options = options;
    this.handOver = new HandOver(options.clock);
  }

  [Symbol.iterator](): IterableIterator<OwnedPartition> {
    return this.partitions.values();
  }

  has(place: TopicPartition): boolean {
    return this.partitions.has(partitionKey(place));
  }

  /** Makes a partition ours, and tells the state. It is not read yet. */
  add(place: TopicPartition, from: GroupCommit, committed: GroupCommit | undefined): OwnedPartition {
    const key = partitionKey(place);
    const { group, stats, state } = this.options;
    const settled = (owned: OwnedPartition) => {
      this.updatePause(owned);
      this.handOver.settled(owned);
    };
    const owned = new OwnedPartition(place, from, committed, settled, state);
    this.partitions.set(key, owned);
    const labels = { topic: place.topic, partition: String(place.partition), group };
    this.lagGauges.set(
      key,
      stats.gauge('tidegate_consumer_lag', labels, () => {
        const end = this.fetcher.endOf(place.topic, place.partition);
        // While the end is not known there is no lag, which is not a lag of 0.
        return end < 0 ? Number.NaN : Math.max(0, end - owned.committable);
      }),
    );
    return owned;
  }

  /** `id`: of the topic that the offset belongs to, where the partition is not read yet. */
  read(owned: OwnedPartition, offset: number, id?: string): void {
    this.fetcher.assign(owned.topic, owned.partition, offset, { id, target: owned.target });
    this.updatePause(owned);
  }

  giveUp(owned: OwnedPartition): void {
    const key = partitionKey(owned);
    owned.release();
    this.partitions.delete(key);
    this.fetcher.unassign(owned.topic, owned.partition);
    this.lagGauges.get(key)?.();
    this.lagGauges.delete(key);
  }

  /** From now on nothing more is read of what is not among these, and again of what has come back; gives the former. */
  keepReading(assigned: readonly TopicPartition[]): OwnedPartition[] {
    const keys = new Set(assigned.map(partitionKey));
    for (const owned of this) {
      owned.isGoing = !keys.has(partitionKey(owned));
      this.updatePause(owned);
    }
    return [...this].filter(({ isGoing }) => isGoing);
  }

  /** Resolves when nothing of these is in flight any more, or there was time enough for it. */
  quiet(going: readonly OwnedPartition[]): Promise<void> {
    return this.handOver.quiet(going);
  }

  seek(place: TopicPartition, offset: number): void {
    const owned = this.partitions.get(partitionKey(place));
    if (owned === undefined) return;
    owned.restart(offset);
    this.read(owned, offset);
  }

  /** The log has moved us: what is in flight is gone from it and counts no more. */
  moved(part: FetchedPart, move: Move): void {
    const owned = this.partitions.get(partitionKey(part));
    if (owned === undefined) return;
    if (move === 'recreated') owned.beginAnew(part.position);
    else if (move === 'back') owned.startOver(part.position);
    else owned.restart(part.position);
    this.read(owned, part.position);
  }

  pause(places: readonly TopicPartition[], paused: boolean): void {
    for (const place of places) {
      const owned = this.partitions.get(partitionKey(place));
      if (owned === undefined) continue;
      owned.paused = paused;
      this.updatePause(owned);
    }
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const lags = new Map<string, Map<number, number>>();
    for (const { topic, partition, position, end } of this.fetcher.assigned()) {
      // Not known yet, or the position is not one in the log.
      if (position > end) continue;
      const partitions = lags.get(topic) ?? new Map<number, number>();
      lags.set(topic, partitions.set(partition, end - position));
    }
    return lags;
  }

  sinceEnd(place: TopicPartition): number | undefined {
    const part = this.fetcher.part(place);
    if (part === undefined || part.position !== part.end) return undefined;
    if (this.partitions.get(partitionKey(place))?.isSettled !== true) return undefined;
    return this.options.clock.elapsed() - part.endAskedAt;
  }

  /** Takes what may be handed on of what was fetched, from its beginning on; it counts as in flight from here on. */
  take(part: FetchedPart, messages: Message[]): Message[] {
    const owned = this.partitions.get(partitionKey(part));
    if (owned === undefined || owned.isGoing) return [];
    const { maxUnsettled, admit } = this.options;
    const room = Math.max(0, maxUnsettled - owned.unsettled);
    const offered = messages.length <= room ? messages : messages.slice(0, room);
    owned.markReplayed(offered);
    const admitted = offered.length === 0 ? 0 : (admit?.(offered) ?? offered.length);
    const taken = admitted === offered.length ? offered : offered.slice(0, admitted);
    for (const message of taken) owned.enter(message);
    this.updatePause(owned);
    return taken;
  }

  /** A full partition stops at its limit and goes on at half of it, so that fetches stay large. */
  private updatePause(owned: OwnedPartition): void {
    const { maxUnsettled } = this.options;
    if (owned.unsettled >= maxUnsettled) owned.full = true;
    else if (owned.unsettled <= maxUnsettled / 2) owned.full = false;
    this.fetcher.pause(owned.topic, owned.partition, owned.paused || owned.full || owned.isGoing);
  }
}
