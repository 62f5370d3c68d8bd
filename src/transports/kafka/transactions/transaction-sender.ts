import type { Clock } from '../../../core/clock.ts';
import type { TidegateError } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { pause } from '../../../core/waiting.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Selection } from '../../staging.ts';
import type { Compressor } from '../compression/compression.ts';
import type { Cluster } from '../connection/cluster.ts';
import { endOfRequest, type Planned, plan } from '../produce/lane-plan.ts';
import { LaneTopic } from '../produce/lane-topic.ts';
import { PartitionQueue } from '../produce/partition-queue.ts';
import type { Producer } from '../produce/producer.ts';
import type { TopicLimits } from '../produce/topic-limits.ts';
import { isAboutRecords, outcomeOf, refusalOf, timeRefusal } from '../wire/classify.ts';
import type { PartitionResult } from '../wire/produce-request.ts';
import { brokerError, KAFKA, logError } from '../wire/protocol-errors.ts';
import type { TransactionRequests } from './transaction-requests.ts';

const INITIAL_PAUSE = 10;
const MAX_PAUSE = 500;

export interface SenderParts {
  readonly cluster: Cluster;
  readonly limits: TopicLimits;
  /** None: batches go out as they are. */
  readonly compressor: Compressor | undefined;
  readonly propagation?: Propagation | undefined;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** Where a stored batch is, to be told to its messages once the transaction is committed. */
interface Placement {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly batch: readonly Planned[];
}

/** What came of the records of a transaction. */
export interface Stored {
  readonly placements: readonly Placement[];
  /** The log will never take these, so that the transaction has to be made without them. */
  readonly refusals: ReadonlyMap<Message, TidegateError>;
}

/** Stores the records of one transaction after the other, each in the partition that the lane would give it. */
export class TransactionSender {
  private readonly parts: SenderParts;
  private readonly requests: TransactionRequests;
  private readonly topics: Map<string, LaneTopic>;
  private keyless = 0;

  /** `topics`: what is known of topics, by name, by this sender and those before it. */
  constructor(parts: SenderParts, requests: TransactionRequests, topics: Map<string, LaneTopic>) {
    this.parts = parts;
    this.requests = requests;
    this.topics = topics;
  }

  /** Rejects when not all is stored by the deadline, on the monotonic clock; the transaction may not be committed then. */
  async store(selection: Selection, producer: Producer, deadline: number): Promise<Stored> {
    const placements: Placement[] = [];
    const refusals = new Map<Message, TidegateError>();
    for (const [topic, messages] of selection)
      await new TopicSend(this.topicOf(topic), producer, deadline, this.parts, this.requests, {
        placements,
        refusals,
      }).store(messages, this.keyless++);
    return { placements, refusals };
  }

  private topicOf(name: string): LaneTopic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = new LaneTopic(name, this.parts.cluster, this.parts.clock);
    this.topics.set(name, topic);
    return topic;
  }
}

/** The messages of a committed transaction have a place, as those of a lane. */
export function place({ placements }: Stored, stats: Stats): void {
  for (const { topic, partition, baseOffset, batch } of placements) {
    stats.counter('tidegate_lane_records_total', { topic }).value += batch.length;
    for (let at = 0; at < batch.length; at += 1) {
      const { message } = (batch[at] as Planned).record;
      message.topic = topic;
      message.partition = partition;
      message.offset = baseOffset < 0 ? -1 : baseOffset + at;
    }
  }
}

/** The records of one topic in one transaction. */
class TopicSend {
  private readonly topic: LaneTopic;
  private readonly producer: Producer;
  private readonly deadline: number;
  private readonly parts: SenderParts;
  private readonly requests: TransactionRequests;
  private readonly results: { placements: Placement[]; refusals: Map<Message, TidegateError> };

  constructor(
    topic: LaneTopic,
    producer: Producer,
    deadline: number,
    parts: SenderParts,
    requests: TransactionRequests,
    results: { placements: Placement[]; refusals: Map<Message, TidegateError> },
  ) {
    this.topic = topic;
    this.producer = producer;
    this.deadline = deadline;
    this.parts = parts;
    this.requests = requests;
    this.results = results;
  }

  /** `keyless`: a number that says which partition takes what has no key. */
  async store(messages: readonly Message[], keyless: number): Promise<void> {
    const partitions = await this.partitions(messages);
    if (partitions === undefined) return;
    const { clock, propagation, limits } = this.parts;
    const planned = plan(messages, partitions, keyless % partitions, clock.now(), propagation);
    const limit = limits.of(this.topic.name);
    this.topic.notePlanned();
    for (let from = 0; from < planned.length; ) {
      const end = endOfRequest(planned, from, limit);
      await this.storeRequest(PartitionQueue.of(planned, from, end));
      from = end;
    }
  }

  /** undefined where nothing can be written to the topic, so that all are refused. */
  private async partitions(messages: readonly Message[]): Promise<number | undefined> {
    for (let wait = INITIAL_PAUSE; ; wait = Math.min(wait * 2, MAX_PAUSE)) {
      const found = await this.topic.look();
      if (found.kind === 'present') return found.partitions;
      if (found.kind === 'refused') {
        for (const message of messages) this.results.refusals.set(message, found.failure);
        return undefined;
      }
      await this.wait(wait, found.kind === 'unreachable' ? found.failure : new Error('It has no leaders yet'));
    }
  }

  private async storeRequest(all: readonly PartitionQueue[]): Promise<void> {
    let queues = [...all];
    for (let wait = INITIAL_PAUSE; ; wait = Math.min(wait * 2, MAX_PAUSE)) {
      const problem = await this.attempt(queues);
      queues = queues.filter((queue) => !queue.isEmpty);
      if (queues.length === 0) return;
      if (problem === undefined) continue;
      await this.wait(wait, problem);
      await this.topic.refresh();
      for (const queue of queues) this.giveUpMissing(queue, problem);
      queues = queues.filter((queue) => !queue.isEmpty);
    }
  }

  /** Refuses the records of a topic that is gone. Throws where only their partition is, as another transaction uses others. */
  private giveUpMissing(queue: PartitionQueue, problem: Error): void {
    const fate = this.topic.fateOf(queue.partition);
    if (fate === 'move') throw logError(problem, `topic ${this.topic.name}`);
    if (fate === 'repeat') return;
    const failure = refusalOf(KAFKA.UNKNOWN_TOPIC_OR_PARTITION, this.topic.name);
    for (const { record } of queue.takeAll()) this.results.refusals.set(record.message, failure);
  }

  /** One request per leader. Resolves with why some of it has to be sent again. */
  private async attempt(queues: readonly PartitionQueue[]): Promise<Error | undefined> {
    const { compressor } = this.parts;
    for (const queue of queues) if (!queue.isNumbered) queue.number(this.producer, this.topic.name, compressor);
    const problems = await Promise.all(this.topic.byLeader(queues).map((some) => this.ask(some)));
    return problems.find((problem) => problem !== undefined);
  }

  private async ask(queues: readonly PartitionQueue[]): Promise<Error | undefined> {
    let results: readonly PartitionResult[];
    try {
      results = await this.requests.produce(this.topic, queues, this.producer);
    } catch (error) {
      // Without an answer, brokers of the older protocol might store it in a later transaction.
      if (!this.requests.repeatsInDoubt) throw error;
      return error instanceof Error ? error : new Error(String(error));
    }
    let problem: Error | undefined;
    for (const queue of queues) {
      const result = results.find(({ partition }) => partition === queue.partition);
      problem = this.settle(queue, result) ?? problem;
    }
    return problem;
  }

  /** Gives why the batch has to be sent again. */
  private settle(queue: PartitionQueue, result: PartitionResult | undefined): Error | undefined {
    if (result === undefined) return new Error('No answer for a partition');
    const { name: topic } = this.topic;
    const { code, baseOffset, partition } = result;
    switch (outcomeOf(code)) {
      case 'stored': {
        const batch = queue.takeHead();
        this.topic.noteStored();
        this.producer.stored(topic, partition, batch.length);
        this.results.placements.push({ topic, partition, baseOffset, batch });
        return undefined;
      }
      case 'refused':
        this.narrow(queue, code);
        return undefined;
      case 'fenced':
        throw brokerError(code);
      default:
        return brokerError(code);
    }
  }

  /** Finds the records that are to blame by halves. */
  private narrow(queue: PartitionQueue, code: number): void {
    const { name } = this.topic;
    if (code === KAFKA.MESSAGE_TOO_LARGE) void this.parts.limits.read(name);
    if (isAboutRecords(code) && queue.head.length > 1) {
      queue.halve();
      return;
    }
    for (const { record } of isAboutRecords(code) ? queue.takeHead() : queue.takeAll()) {
      const failure =
        code === KAFKA.INVALID_TIMESTAMP
          ? timeRefusal(name, record.timestamp, this.parts.clock.now())
          : refusalOf(code, name);
      this.results.refusals.set(record.message, failure);
    }
  }

  private async wait(milliseconds: number, problem: Error): Promise<void> {
    const { clock } = this.parts;
    if (clock.elapsed() + milliseconds > this.deadline) throw logError(problem, `topic ${this.topic.name}`);
    await pause(clock, milliseconds);
  }
}
