import type { Gap, GroupOptions, TopicPartition } from '../../../core/log.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { GroupCommit } from '../../group-commit.ts';
import { Replay } from '../../replay.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { Store } from '../records/store.ts';
import type { PartitionState } from '../records/topic-state.ts';
import { Held } from './held-partition.ts';

const MAX_UNSETTLED = 4_096;

/** The partitions in the hands of a member: what is read of them, and what of them may be committed. */
export class HeldPartitions {
  private readonly options: GroupOptions;
  private readonly store: Store;
  private readonly stats: Stats;
  private readonly fetcher: Fetcher<Held>;
  private readonly held = new Map<PartitionState, Held>();
  private readonly lagGauges = new Map<PartitionState, () => void>();

  constructor(options: GroupOptions, store: Store, stats: Stats, fetcher: Fetcher<Held>) {
    this.options = options;
    this.store = store;
    this.stats = stats;
    this.fetcher = fetcher;
  }

  has(partition: PartitionState): boolean {
    return this.held.has(partition);
  }

  find({ topic, partition }: TopicPartition): Held | undefined {
    const state = this.store.topics.get(topic)?.partitions[partition];
    return state === undefined ? undefined : this.held.get(state);
  }

  pause(partition: TopicPartition, paused: boolean): void {
    const held = this.find(partition);
    if (held !== undefined) held.paused = paused;
  }

  resumeAll(): void {
    for (const held of this.held.values()) held.paused = false;
  }

  seek(partition: TopicPartition, offset: number): void {
    const held = this.find(partition);
    if (held !== undefined) this.renew(held, offset);
  }

  /** `before`: position in an earlier topic of the same name. */
  assign(partition: PartitionState, start: GroupCommit, before: number | undefined): void {
    const replay = this.begin(partition, start);
    this.take(partition, replay, replay.start).before = before;
    this.lagGauges.set(partition, this.gauge(partition));
  }

  /** What of them is to be committed. `isDone`: whether what counts as settled is stored, and not only staged. */
  revoke(partitions: readonly PartitionState[], isDone: boolean): ReadonlyMap<PartitionState, GroupCommit> {
    const going = partitions.flatMap((partition) => this.held.get(partition) ?? []);
    const settled = new Map<PartitionState, GroupCommit>();
    // Of all before any of them goes: what one may commit can depend on another.
    for (const held of going) {
      const { partition } = held;
      const { deleted } = partition.topic;
      const commit = deleted ? { offset: held.before ?? held.position } : held.commit;
      if (commit !== undefined && (isDone || deleted)) settled.set(partition, commit);
    }
    for (const held of going) this.lose(held);
    return settled;
  }

  settled(): ReadonlyMap<PartitionState, GroupCommit> {
    const settled = new Map<PartitionState, GroupCommit>();
    for (const held of this.held.values()) {
      const commit = held.partition.topic.deleted ? undefined : held.commit;
      if (commit !== undefined) settled.set(held.partition, commit);
    }
    return settled;
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const lag = new Map<string, Map<number, number>>();
    for (const { partition, lag: behind } of this.held.values()) {
      if (behind === undefined) continue;
      const { name } = partition.topic;
      const ofTopic = lag.get(name) ?? new Map<number, number>();
      lag.set(name, ofTopic.set(partition.index, behind));
    }
    return lag;
  }

  /** What is in flight from in front of a gap is gone from the log, and cannot be read again: counting begins anew. */
  overGap(gap: Gap, held: Held): void {
    // The group was beyond the end: what comes now is not what it had processed.
    const isBack = gap.to < gap.from && gap.recreated !== true;
    if (isBack) held.replay.isOver = true;
    this.renew(held, gap.to, isBack ? this.begin(held.partition, { offset: gap.to }) : held.replay);
  }

  private lose(held: Held): void {
    const { partition } = held;
    this.drop(held);
    held.isLost = true;
    held.replay.revoked();
    this.lagGauges.get(partition)?.();
    this.lagGauges.delete(partition);
  }

  private begin(partition: PartitionState, committed: GroupCommit): Replay {
    return new Replay(this.options.state, named(partition), committed);
  }

  private take(partition: PartitionState, replay: Replay, position: number): Held {
    const { maxUnsettled: most = MAX_UNSETTLED, admit } = this.options;
    const held = new Held(partition, replay, position, { most, admit, hasRoomAgain: this.fetcher.wake });
    this.held.set(partition, held);
    this.fetcher.add(held);
    return held;
  }

  private renew(held: Held, position: number, replay = held.replay): void {
    this.drop(held);
    this.take(held.partition, replay, position).paused = held.paused;
  }

  private drop(held: Held): void {
    held.isStale = true;
    this.held.delete(held.partition);
    this.fetcher.remove(held);
  }

  private gauge(partition: PartitionState): () => void {
    const labels = { topic: partition.topic.name, partition: String(partition.index), group: this.options.group };
    return this.stats.gauge('tidegate_consumer_lag', labels, () => {
      const held = this.held.get(partition);
      return held === undefined ? 0 : Math.max(0, partition.end - held.committable);
    });
  }
}

export function named({ topic, index }: PartitionState): TopicPartition {
  return { topic: topic.name, partition: index };
}
