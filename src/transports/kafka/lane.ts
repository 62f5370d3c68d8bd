import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Lane, LaneObserver, Refusal } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { isAboutLeader, isAboutRecords, outcomeOf, refusalOf } from './classify.ts';
import type { Cluster, TopicView } from './cluster.ts';
import type { Compressor } from './compression.ts';
import { endOfRequest, isTooLarge, type Planned, plan, planAgain } from './lane-plan.ts';
import { PartitionQueue } from './partition-queue.ts';
import { decodeProduce, encodeProduce, type PartitionResult, PRODUCE_VERSION } from './produce-request.ts';
import type { ProducerHolder } from './producer.ts';
import { brokerError, KAFKA, kafkaCode, logError } from './protocol-errors.ts';
import type { TopicLimits } from './topic-limits.ts';

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** How long a broker may wait for its replicas; the answer has to come within the cluster's request timeout. */
const REPLICA_TIMEOUT = 10_000;
/** New partitions are noticed this often. */
const METADATA_AGE = 4_000;
/** A topic that was just created is not known to every broker at once. */
const MISSING_PATIENCE = 5_000;
/** A refusal by size rests on a limit that was read at most so long ago. */
const LIMIT_AGE = 2_000;

export interface LaneParts {
  readonly cluster: Cluster;
  readonly producers: ProducerHolder;
  readonly limits: TopicLimits;
  /** None: batches go out as they are. */
  readonly compressor: Compressor | undefined;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** Records of a send that are not stored by its requests. */
interface Unstored {
  readonly refusals: Refusal[];
  /** Their partition is gone for good, and its topic is not: they go to another. */
  readonly moved: Planned[];
}

/** One try of one partition's records: what the broker said, or why it said nothing. */
type Answer = PartitionResult | Error;

/**
 * The lane over Produce requests of our own. kafkajs's producer rolls its sequence numbers back on any error, also those of
 * records that were stored, and numbers the next ones the same: brokers then acknowledge records they never store. Here
 * a batch keeps producer and number from its first try on, and each partition's answer is acted on by itself.
 */
export class KafkaLane implements Lane {
  private readonly topic: string;
  private readonly observer: LaneObserver;
  private readonly parts: LaneParts;
  private readonly counters;
  private keyless = 0;
  /** Id of the topic whose partitions the send under way was planned for. */
  private plannedId: string | undefined;
  private abandoned = false;
  private outage = false;
  private confirmedMissing = 0;
  private wake: (() => void) | undefined;
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
  }

  send(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.abandoned) return Promise.reject(this.abandonment());
    return new Promise((resolve, reject) => {
      this.rejectPending = reject;
      this.store(messages).then(resolve, reject);
    });
  }

  abandon(): void {
    this.abandoned = true;
    this.rejectPending?.(this.abandonment());
    this.wake?.();
  }

  private async store(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const started = this.parts.clock.now();
    const refusals: Refusal[] = [];
    const partitions = await this.partitionCount();
    if (partitions instanceof TidegateError) {
      for (let index = 0; index < messages.length; index += 1) refusals.push({ index, failure: partitions });
    } else {
      await this.storeIn(messages, partitions, refusals);
    }
    refusals.sort((a, b) => a.index - b.index);
    this.counters.refused.value += refusals.length;
    this.counters.seconds.record((this.parts.clock.now() - started) / 1_000);
    return refusals;
  }

  private async storeIn(messages: readonly Message[], partitions: number, refusals: Refusal[]): Promise<void> {
    const all = plan(messages, partitions, this.keyless % partitions, this.parts.clock.now());
    this.keyless = (this.keyless + 1) % partitions;
    await this.storePlanned(await this.withoutTooLarge(all, refusals), refusals);
  }

  private async storePlanned(planned: readonly Planned[], refusals: Refusal[]): Promise<void> {
    this.plannedId = this.parts.cluster.topic(this.topic)?.id;
    const unstored: Unstored = { refusals, moved: [] };
    const limit = this.parts.limits.of(this.topic);
    for (let from = 0; from < planned.length && !this.abandoned; ) {
      const end = endOfRequest(planned, from, limit);
      await this.storeRequest(planned, from, end, unstored);
      from = end;
    }
    if (unstored.moved.length > 0) await this.storeElsewhere(unstored.moved, refusals);
  }

  /** Kafka takes no partition away: the topic was deleted and created again with fewer, so nothing of these is in the new one. */
  private async storeElsewhere(moved: readonly Planned[], refusals: Refusal[]): Promise<void> {
    const partitions = await this.partitionCount();
    if (partitions instanceof TidegateError) {
      for (const { index } of moved) refusals.push({ index, failure: partitions });
      return;
    }
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
    if (limits.age(this.topic) > LIMIT_AGE) limit = await limits.read(this.topic);
    // Nobody told us the limit: the broker is to judge.
    if (limits.age(this.topic) === Number.POSITIVE_INFINITY) return all;
    return all.filter((one) => {
      if (!isTooLarge(one, limit, compressor)) return true;
      const reason = `A record of ${one.record.message.size} bytes is larger than ${this.topic} allows (max.message.bytes ${limit})`;
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
    let pause = FIRST_PAUSE;
    let failures = 0;
    while (!this.abandoned) {
      const failure = await this.attempt(queues, unstored);
      queues = queues.filter((queue) => !queue.isEmpty);
      if (queues.length === 0) break;
      if (failure === undefined) {
        pause = FIRST_PAUSE;
        continue;
      }
      this.counters.retries.value += 1;
      failures += 1;
      // A leader that has moved, or is not yet known everywhere, is found at the next try.
      if (failures > 1 || !isAboutLeader(kafkaCode(failure.cause))) this.reportOutage(failure);
      await this.wait(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      await this.refreshMetadata();
    }
    this.reportRecovery();
  }

  /** One request per leader, with the first batch of each partition. Returns why something has to be repeated. */
  private async attempt(queues: readonly PartitionQueue[], unstored: Unstored): Promise<Error | undefined> {
    const { producers, compressor } = this.parts;
    try {
      for (const queue of queues) {
        if (!queue.isNumbered) queue.number(await producers.get(), this.topic, compressor);
      }
    } catch (error) {
      const code = kafkaCode(error);
      if (code === undefined || outcomeOf(code) !== 'refused') return logError(error, `Topic ${this.topic}`);
      for (const queue of queues) this.refuse(queue, queue.takeAll(), code, unstored.refusals);
      return undefined;
    }
    const answers = await Promise.all(this.byLeader(queues).map((some) => this.ask(some)));
    let failure: Error | undefined;
    for (const answer of answers.flat()) {
      failure = (await this.digest(answer.queue, answer.answer, unstored)) ?? failure;
    }
    return failure;
  }

  private byLeader(queues: readonly PartitionQueue[]): PartitionQueue[][] {
    const view = this.parts.cluster.topic(this.topic);
    const groups = new Map<number, PartitionQueue[]>();
    for (const queue of queues) {
      const leader = view?.partitions[queue.partition]?.leader ?? -1;
      const group = groups.get(leader);
      if (group === undefined) groups.set(leader, [queue]);
      else group.push(queue);
    }
    return [...groups.values()];
  }

  /** Never rejects: no answer is an answer of each partition. */
  private async ask(queues: readonly PartitionQueue[]): Promise<{ queue: PartitionQueue; answer: Answer }[]> {
    try {
      // One leader for all of them; an empty group is never made.
      const first = queues[0] as PartitionQueue;
      const leader = await this.parts.cluster.leader(this.topic, first.partition);
      const body = encodeProduce(this.topic, queues, REPLICA_TIMEOUT);
      const results = await leader.exchange('Produce', PRODUCE_VERSION, body, decodeProduce);
      return queues.map((queue) => ({
        queue,
        answer:
          results.find(({ partition }) => partition === queue.partition) ?? new Error('No answer for a partition'),
      }));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return queues.map((queue) => ({ queue, answer: failure }));
    }
  }

  private async digest(queue: PartitionQueue, answer: Answer, unstored: Unstored): Promise<Error | undefined> {
    if (answer instanceof Error) return this.unanswered(queue, answer, KAFKA.UNKNOWN_TOPIC_OR_PARTITION, unstored);
    switch (outcomeOf(answer.code)) {
      case 'stored':
        this.confirmedMissing = 0;
        this.counters.records.value += queue.head.length;
        this.counters.bytes.value += queue.bytes.length;
        queue.stored(this.topic, answer.baseOffset);
        return undefined;
      case 'refused':
        return this.narrow(queue, answer.code, unstored.refusals);
      case 'fenced':
        return this.renumber(queue, answer.code);
      case 'missing':
        return this.unanswered(queue, brokerError(answer.code), answer.code, unstored);
      case 'unknown':
        return logError(brokerError(answer.code), `Topic ${this.topic}`);
    }
  }

  /** Gives the reason to try again, unless the partition is gone for good: with its topic, or alone. */
  private unanswered(queue: PartitionQueue, reason: Error, code: number, unstored: Unstored): Error | undefined {
    const view = this.parts.cluster.topic(this.topic);
    const isGone = view !== undefined && lacks(view, queue.partition);
    const isAnother = isGone && view.id !== undefined && view.id !== this.plannedId;
    if (!isAnother && !this.isMissingForGood(queue.partition)) return logError(reason, `Topic ${this.topic}`);
    if (isGone) unstored.moved.push(...queue.takeAll());
    else this.refuse(queue, queue.takeAll(), code, unstored.refusals);
    return undefined;
  }

  /** Finds the records that are to blame by halves. The broker stored nothing, so the numbers are still free. */
  private narrow(queue: PartitionQueue, code: number, refusals: Refusal[]): undefined {
    if (code === KAFKA.MESSAGE_TOO_LARGE) void this.parts.limits.read(this.topic);
    if (!isAboutRecords(code)) this.refuse(queue, queue.takeAll(), code, refusals);
    else if (queue.head.length > 1) queue.halve();
    else this.refuse(queue, queue.takeHead(), code, refusals);
    return undefined;
  }

  private async renumber(queue: PartitionQueue, code: number): Promise<undefined> {
    const reason = new TidegateError('TG_LOG_FENCED', refusalOf(code, this.topic).message);
    this.counters.duplicates.value += 1;
    this.observer.duplicatesPossible(reason);
    await this.parts.producers.replace(queue.producer);
    queue.forgetNumber();
    return undefined;
  }

  private refuse(queue: PartitionQueue, records: readonly Planned[], code: number, refusals: Refusal[]): void {
    const failure = refusalOf(code, this.topic);
    this.parts.logger.debug({ topic: this.topic, partition: queue.partition, code: failure.code }, failure.message);
    for (const { index } of records) refusals.push({ index, failure });
  }

  /** The number of partitions, or why there is no topic to write to. Waits while no broker can be asked. */
  private async partitionCount(): Promise<number | TidegateError> {
    const { cluster } = this.parts;
    for (let pause = FIRST_PAUSE; !this.abandoned; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const view = cluster.topic(this.topic);
      if (view !== undefined && view.code === 0 && view.partitions.length > 0) {
        this.confirmedMissing = 0;
        if (cluster.age > METADATA_AGE) void this.refreshMetadata();
        return view.partitions.length;
      }
      const failure = await this.refreshMetadata();
      const code = cluster.topic(this.topic)?.code ?? KAFKA.LEADER_NOT_AVAILABLE;
      if (failure === undefined && code === KAFKA.NONE) continue;
      if (failure !== undefined) this.reportOutage(failure);
      else if (code !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION && outcomeOf(code) === 'refused')
        return refusalOf(code, this.topic);
      else if (this.isMissingForGood()) return refusalOf(code, this.topic);
      await this.wait(pause);
    }
    return this.abandonment();
  }

  /** Whether brokers have said for long enough that there is no such topic, or no such partition any more. */
  private isMissingForGood(partition?: number): boolean {
    const view = this.parts.cluster.topic(this.topic);
    const partitionGone = partition !== undefined && view !== undefined && lacks(view, partition);
    if (!partitionGone && view?.code !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION) return false;
    const now = this.parts.clock.now();
    if (this.confirmedMissing === 0) this.confirmedMissing = now + MISSING_PATIENCE;
    return now >= this.confirmedMissing;
  }

  private async refreshMetadata(): Promise<TidegateError | undefined> {
    try {
      await this.parts.cluster.refresh([this.topic]);
      return undefined;
    } catch (error) {
      return logError(error, `Topic ${this.topic}`);
    }
  }

  private reportOutage(failure: Error): void {
    if (this.outage || this.abandoned) return;
    this.outage = true;
    this.observer.retrying(logError(failure, `Topic ${this.topic}`));
  }

  private reportRecovery(): void {
    if (!this.outage || this.abandoned) return;
    this.outage = false;
    this.observer.recovered();
  }

  private wait(milliseconds: number): Promise<void> {
    if (this.abandoned) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.parts.clock.after(milliseconds, resolve);
    });
  }

  private abandonment(): TidegateError {
    return new TidegateError('TG_LOG_UNAVAILABLE', `Topic ${this.topic}: given up; the outcome is unknown`);
  }
}

/** Whether a topic is there without this partition. */
function lacks({ code, partitions }: TopicView, partition: number): boolean {
  return code === KAFKA.NONE && partitions.length > 0 && partitions[partition] === undefined;
}
