import type { Clock } from '../../../core/clock.ts';
import { TidegateError } from '../../../core/errors.ts';
import type { Lane, LaneObserver, Refusal } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { pause } from '../../../core/waiting.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Compressor } from '../compression/compression.ts';
import type { Cluster } from '../connection/cluster.ts';
import { isAboutLeader } from '../wire/classify.ts';
import { kafkaCode, logError } from '../wire/protocol-errors.ts';
import { BatchSender, type Unstored } from './batch-sender.ts';
import { endOfRequest, isTooLarge, type Planned, plan, planAgain } from './lane-plan.ts';
import { LaneTopic, type TopicLookup } from './lane-topic.ts';
import { PartitionQueue } from './partition-queue.ts';
import type { ProducerHolder } from './producer.ts';
import type { TopicLimits } from './topic-limits.ts';

const INITIAL_PAUSE = 100;
const MAX_PAUSE = 1_000;
/** A refusal by size rests on a limit that was read at most so long ago. */
const LIMIT_MAX_AGE = 2_000;

export interface LaneParts {
  readonly cluster: Cluster;
  readonly producers: ProducerHolder;
  readonly limits: TopicLimits;
  /** None: batches go out as they are. */
  readonly compressor: Compressor | undefined;
  readonly propagation?: Propagation | undefined;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** Where records can go now: partitions of the topic, or nowhere. */
type Destination = Extract<TopicLookup, { kind: 'present' | 'refused' }>;

/**
 * The lane over Produce requests of our own. kafkajs's producer rolls its sequence numbers back on any error, also those of
 * records that were stored, and numbers the next ones the same: brokers then acknowledge records they never store. Here
 * a batch keeps producer and number from its first attempt on, and each partition's answer is acted on by itself.
 */
export class KafkaLane implements Lane {
  private readonly topic: string;
  private readonly observer: LaneObserver;
  private readonly parts: LaneParts;
  private readonly counters;
  private readonly laneTopic: LaneTopic;
  private readonly sender: BatchSender;
  private readonly abandonment = new AbortController();
  private keyless = 0;
  private outage = false;
  private rejectPending: ((failure: TidegateError) => void) | undefined;

  constructor(topic: string, observer: LaneObserver, parts: LaneParts) {
    this.topic = topic;
    this.observer = observer;
    this.parts = parts;
    const { stats } = parts;
    this.counters = {
      records: stats.counter('tidegate_lane_records_total', { topic }),
      bytes: stats.counter('tidegate_lane_bytes_total', { topic }),
      retries: stats.counter('tidegate_lane_retries_total', { topic }),
      refused: stats.counter('tidegate_lane_refused_total', { topic }),
      duplicates: stats.counter('tidegate_lane_duplicates_possible_total', { topic }),
      seconds: stats.histogram('tidegate_lane_send_seconds', { topic }),
    };
    this.laneTopic = new LaneTopic(topic, parts.cluster, parts.clock);
    this.sender = new BatchSender(this.laneTopic, {
      ...parts,
      counters: this.counters,
      duplicatesPossible: (reason) => {
        this.counters.duplicates.value += 1;
        observer.duplicatesPossible(reason);
      },
    });
  }

  send(messages: readonly Message[], traceId?: string): Promise<readonly Refusal[]> {
    if (this.isAbandoned) return Promise.reject(this.abandoned());
    return new Promise((resolve, reject) => {
      this.rejectPending = reject;
      this.store(messages, traceId).then(resolve, reject);
    });
  }

  abandon(): void {
    this.abandonment.abort();
    this.rejectPending?.(this.abandoned());
  }

  private async store(messages: readonly Message[], traceId: string | undefined): Promise<readonly Refusal[]> {
    const started = this.parts.clock.elapsed();
    const refusals: Refusal[] = [];
    const destination = await this.destination();
    if (destination.kind === 'refused') refuseAll(messages.keys(), destination.failure, refusals);
    else await this.storeIn(destination.partitions, messages, refusals);
    refusals.sort((a, b) => a.index - b.index);
    this.counters.refused.value += refusals.length;
    this.counters.seconds.record((this.parts.clock.elapsed() - started) / 1_000, traceId);
    return refusals;
  }

  /** Waits while no broker can be asked, and while a topic that they do not know may only be new. */
  private async destination(): Promise<Destination> {
    for (let wait = INITIAL_PAUSE; !this.isAbandoned; wait = Math.min(wait * 2, MAX_PAUSE)) {
      const found = await this.laneTopic.look();
      if (found.kind === 'present' || found.kind === 'refused') return found;
      if (found.kind === 'unreachable') this.reportOutage(found.failure);
      await this.pause(wait);
    }
    return { kind: 'refused', failure: this.abandoned() };
  }

  private async storeIn(partitions: number, messages: readonly Message[], refusals: Refusal[]): Promise<void> {
    const { clock, propagation } = this.parts;
    const all = plan(messages, partitions, this.keyless % partitions, clock.now(), propagation);
    this.keyless = (this.keyless + 1) % partitions;
    await this.storePlanned(await this.withoutTooLarge(all, refusals), refusals);
  }

  private async storePlanned(planned: readonly Planned[], refusals: Refusal[]): Promise<void> {
    this.laneTopic.notePlanned();
    const unstored: Unstored = { refusals, moved: [] };
    const limit = this.parts.limits.of(this.topic);
    for (let from = 0; from < planned.length && !this.isAbandoned; ) {
      const end = endOfRequest(planned, from, limit);
      await this.storeRequest(planned, from, end, unstored);
      from = end;
    }
    if (unstored.moved.length > 0) await this.storeElsewhere(unstored.moved, refusals);
  }

  /** Kafka takes no partition away: the topic was deleted and created again with fewer, so none of these is in the new one. */
  private async storeElsewhere(moved: readonly Planned[], refusals: Refusal[]): Promise<void> {
    const destination = await this.destination();
    if (destination.kind === 'refused') {
      refuseAll(
        moved.map(({ index }) => index),
        destination.failure,
        refusals,
      );
      return;
    }
    const { partitions } = destination;
    this.parts.logger.warn(
      { topic: this.topic, records: moved.length, partitions },
      `the topic ${this.topic} was deleted and created again with fewer partitions: records of those that are gone are written to the other ones`,
    );
    await this.storePlanned(planAgain(moved, partitions, this.keyless % partitions), refusals);
  }

  /** Asks again for a limit that was read a while ago before it refuses anything by it. */
  private async withoutTooLarge(all: Planned[], refusals: Refusal[]): Promise<Planned[]> {
    const { limits, compressor } = this.parts;
    if (limits.age(this.topic) === Number.POSITIVE_INFINITY) await limits.read(this.topic);
    let limit = limits.of(this.topic);
    if (!all.some((one) => isTooLarge(one, limit, compressor))) return all;
    if (limits.age(this.topic) > LIMIT_MAX_AGE) limit = await limits.read(this.topic);
    // The limit is not known: the broker has to decide.
    if (limits.age(this.topic) === Number.POSITIVE_INFINITY) return all;
    return all.filter((one) => {
      if (!isTooLarge(one, limit, compressor)) return true;
      const reason = `a record of ${one.record.message.size} bytes is larger than ${this.topic} allows (max.message.bytes ${limit})`;
      refusals.push({ index: one.index, failure: new TidegateError('TG_RECORD_TOO_LARGE', reason) });
      return false;
    });
  }

  /** Repeats what is not stored, unchanged, until every record is stored or refused. */
  private async storeRequest(
    planned: readonly Planned[],
    from: number,
    end: number,
    unstored: Unstored,
  ): Promise<void> {
    let queues = PartitionQueue.of(planned, from, end);
    let wait = INITIAL_PAUSE;
    let failures = 0;
    while (!this.isAbandoned) {
      const verdict = await this.sender.attempt(queues, unstored);
      queues = queues.filter((queue) => !queue.isEmpty);
      if (queues.length === 0) break;
      if (verdict.kind === 'done') {
        wait = INITIAL_PAUSE;
        continue;
      }
      this.counters.retries.value += 1;
      failures += 1;
      // A leader that has moved, or is not yet known everywhere, is found at the next attempt.
      if (failures > 1 || !isAboutLeader(kafkaCode(verdict.reason.cause))) this.reportOutage(verdict.reason);
      await this.pause(wait);
      wait = Math.min(wait * 2, MAX_PAUSE);
      await this.laneTopic.refresh();
    }
    this.reportRecovery();
  }

  private get isAbandoned(): boolean {
    return this.abandonment.signal.aborted;
  }

  private abandoned(): TidegateError {
    return new TidegateError('TG_LOG_UNAVAILABLE', `topic ${this.topic}: given up; the outcome is unknown`);
  }

  private reportOutage(failure: Error): void {
    if (this.outage || this.isAbandoned) return;
    this.outage = true;
    this.observer.retrying(logError(failure, `topic ${this.topic}`));
  }

  private reportRecovery(): void {
    if (!this.outage || this.isAbandoned) return;
    this.outage = false;
    this.observer.recovered();
  }

  private pause(milliseconds: number): Promise<void> {
    return pause(this.parts.clock, milliseconds, this.abandonment.signal);
  }
}

function refuseAll(indexes: Iterable<number>, failure: TidegateError, refusals: Refusal[]): void {
  for (const index of indexes) refusals.push({ index, failure });
}
