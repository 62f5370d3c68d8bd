import type { Clock } from '../../../core/clock.ts';
import type { TidegateError } from '../../../core/errors.ts';
import type { Cluster, TopicView } from '../connection/cluster.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import { outcomeOf, refusalOf } from '../wire/classify.ts';
import { KAFKA, logError } from '../wire/protocol-errors.ts';
import type { PartitionQueue } from './partition-queue.ts';

/** New partitions are noticed this often. */
const METADATA_MAX_AGE = 4_000;
/** A topic that was just created is not known to every broker at once. */
const MISSING_TIMEOUT = 5_000;

/** What one look at the metadata says about the topic. */
export type TopicLookup =
  | { readonly kind: 'present'; readonly partitions: number }
  /** Nothing can be written to it: it does not exist, or may not be written to. */
  | { readonly kind: 'refused'; readonly failure: TidegateError }
  /** Brokers do not know it yet, or it has no leaders yet. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unreachable'; readonly failure: TidegateError };

/**
 * What to do with the records of a partition that did not take them:
 * - `repeat`: the partition is there, or may come back: the same batch again
 * - `move`: the partition is gone and its topic is not: another partition takes them
 * - `refuse`: the topic is gone
 */
export type PartitionFate = 'repeat' | 'move' | 'refuse';

/**
 * Whether the topic of a lane exists, as the brokers say. "No" is believed only after MISSING_TIMEOUT: metadata of a new
 * topic reaches brokers one after the other. Kafka takes no partition away, so a topic without one that it had was
 * deleted and created again; its id shows that at once.
 */
export class LaneTopic {
  readonly name: string;
  private readonly cluster: Cluster;
  private readonly clock: Clock;
  /** Id of the topic whose partitions the send in flight was planned for. */
  private plannedId: string | undefined;
  /** When a "no" is believed; undefined while the topic was last seen whole. */
  private missingDeadline: number | undefined;

  constructor(name: string, cluster: Cluster, clock: Clock) {
    this.name = name;
    this.cluster = cluster;
    this.clock = clock;
  }

  /** Asks the brokers only where the last metadata does not show the topic. */
  async look(): Promise<TopicLookup> {
    const known = this.partitions;
    if (known > 0) {
      if (this.cluster.age > METADATA_MAX_AGE) void this.refresh();
      return this.present(known);
    }
    const failure = await this.refresh();
    if (failure !== undefined) return { kind: 'unreachable', failure };
    const partitions = this.partitions;
    if (partitions > 0) return this.present(partitions);
    const code = this.view?.code ?? KAFKA.LEADER_NOT_AVAILABLE;
    const isRefused = code !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION && outcomeOf(code) === 'refused';
    return isRefused || this.isMissingForGood(code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION)
      ? { kind: 'refused', failure: refusalOf(code, this.name) }
      : { kind: 'pending' };
  }

  /** The partitions that the metadata shows now are those that the next send is planned for. */
  notePlanned(): void {
    this.plannedId = this.view?.id;
  }

  /** A partition has just stored records, which proves that the topic is there. */
  noteStored(): void {
    this.missingDeadline = undefined;
  }

  fateOf(partition: number): PartitionFate {
    const { view } = this;
    const isGone = view !== undefined && lacks(view, partition);
    // In another topic of the same name nothing of the send can be: there is nothing to wait for.
    if (isGone && view.id !== undefined && view.id !== this.plannedId) return 'move';
    if (!this.isMissingForGood(isGone || view?.code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION)) return 'repeat';
    return isGone ? 'move' : 'refuse';
  }

  /** Node id of the partition's leader; -1 where none is known. */
  leaderOf(partition: number): number {
    return this.view?.partitions[partition]?.leader ?? -1;
  }

  leader(partition: number): Promise<BrokerConnection> {
    return this.cluster.leader(this.name, partition);
  }

  /** Queues that one request can have batches of. */
  byLeader(queues: readonly PartitionQueue[]): PartitionQueue[][] {
    const groups = new Map<number, PartitionQueue[]>();
    for (const queue of queues) {
      const leader = this.leaderOf(queue.partition);
      const group = groups.get(leader);
      if (group === undefined) groups.set(leader, [queue]);
      else group.push(queue);
    }
    return [...groups.values()];
  }

  /** Resolves with why metadata could not be read. */
  async refresh(): Promise<TidegateError | undefined> {
    try {
      await this.cluster.refresh([this.name]);
      return undefined;
    } catch (error) {
      return logError(error, `topic ${this.name}`);
    }
  }

  private get view(): TopicView | undefined {
    return this.cluster.topic(this.name);
  }

  private get partitions(): number {
    const { view } = this;
    return view?.code === KAFKA.NONE ? view.partitions.length : 0;
  }

  private present(partitions: number): TopicLookup {
    this.missingDeadline = undefined;
    return { kind: 'present', partitions };
  }

  /** `isMissing`: what the brokers answer now. Returns whether they have answered so for long enough. */
  private isMissingForGood(isMissing: boolean): boolean {
    if (!isMissing) return false;
    const now = this.clock.elapsed();
    this.missingDeadline ??= now + MISSING_TIMEOUT;
    return now >= this.missingDeadline;
  }
}

/** Whether a topic is there without this partition. */
function lacks({ code, partitions }: TopicView, partition: number): boolean {
  return code === KAFKA.NONE && partitions.length > 0 && partitions[partition] === undefined;
}
