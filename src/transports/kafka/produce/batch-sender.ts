import type { Clock } from '../../../core/clock.ts';
import { TidegateError } from '../../../core/errors.ts';
import type { Refusal } from '../../../core/log.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Counter } from '../../../telemetry/stats.ts';
import type { Compressor } from '../compression/compression.ts';
import { isAboutRecords, outcomeOf, refusalOf, timeRefusal } from '../wire/classify.ts';
import {
  decodeProduce,
  encodeProduce,
  type PartitionResult,
  PRODUCE_VERSION,
  REPLICA_TIMEOUT,
} from '../wire/produce-request.ts';
import { brokerError, KAFKA, kafkaCode, logError } from '../wire/protocol-errors.ts';
import type { Planned } from './lane-plan.ts';
import type { LaneTopic } from './lane-topic.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProducerHolder } from './producer.ts';
import type { TopicLimits } from './topic-limits.ts';

export interface BatchSenderParts {
  readonly producers: ProducerHolder;
  readonly limits: TopicLimits;
  /** None: batches go out as they are. */
  readonly compressor: Compressor | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly counters: { readonly records: Counter; readonly bytes: Counter };
  /** The producer was replaced: the batch may have been written twice. */
  readonly duplicatesPossible: (reason: TidegateError) => void;
}

/** Records of a send that its requests did not store. */
export interface Unstored {
  readonly refusals: Refusal[];
  /** Their partition is gone for good, and its topic is not: they go to another. */
  readonly moved: Planned[];
}

/** What is to be done with the first batch of a queue after an attempt. */
export type Verdict =
  /** It is settled, or becomes another batch: stored, refused, moved, halved or numbered again. */
  | { readonly kind: 'done' }
  /** Its outcome is unknown: the very same batch again. */
  | { readonly kind: 'repeat'; readonly reason: Error };

/** One attempt at one partition's batch: the broker's answer, or why there is none. */
type Answer =
  | { readonly kind: 'answered'; readonly queue: PartitionQueue; readonly result: PartitionResult }
  | { readonly kind: 'unanswered'; readonly queue: PartitionQueue; readonly error: Error };

const DONE: Verdict = { kind: 'done' };

/** Sends the first batch of each partition once, in one request per leader, and acts on each partition's answer by itself. */
export class BatchSender {
  private readonly topic: LaneTopic;
  private readonly parts: BatchSenderParts;

  constructor(topic: LaneTopic, parts: BatchSenderParts) {
    this.topic = topic;
    this.parts = parts;
  }

  /** `repeat` where any of the queues has to be sent again. Never rejects. */
  async attempt(queues: readonly PartitionQueue[], unstored: Unstored): Promise<Verdict> {
    const numbered = await this.numberAll(queues, unstored);
    if (numbered.kind === 'repeat') return numbered;
    const sent = queues.filter((queue) => !queue.isEmpty);
    const answers = await Promise.all(this.topic.byLeader(sent).map((some) => this.ask(some)));
    let verdict = DONE;
    for (const answer of answers.flat()) {
      const one = await this.settle(answer, unstored);
      if (one.kind === 'repeat') verdict = one;
    }
    return verdict;
  }

  /** A batch that has a number keeps it: the broker may have stored it under that one. */
  private async numberAll(queues: readonly PartitionQueue[], unstored: Unstored): Promise<Verdict> {
    const { producers, compressor } = this.parts;
    try {
      for (const queue of queues) {
        if (!queue.isNumbered) queue.number(await producers.get(), this.topic.name, compressor);
      }
      return DONE;
    } catch (error) {
      const code = kafkaCode(error);
      if (code === undefined || outcomeOf(code) !== 'refused') return this.repeat(error);
      for (const queue of queues) this.refuse(queue, queue.takeAll(), code, unstored);
      return DONE;
    }
  }

  private async ask(queues: readonly PartitionQueue[]): Promise<Answer[]> {
    try {
      // One leader for all of them; an empty group is never made.
      const first = queues[0] as PartitionQueue;
      const leader = await this.topic.leader(first.partition);
      const body = encodeProduce(this.topic.name, queues, REPLICA_TIMEOUT);
      const results = await leader.exchange('Produce', PRODUCE_VERSION, body, decodeProduce);
      return queues.map((queue) => {
        const result = results.find(({ partition }) => partition === queue.partition);
        return result === undefined
          ? { kind: 'unanswered', queue, error: new Error('No answer for a partition') }
          : { kind: 'answered', queue, result };
      });
    } catch (failure) {
      const error = failure instanceof Error ? failure : new Error(String(failure));
      return queues.map((queue) => ({ kind: 'unanswered', queue, error }));
    }
  }

  private async settle(answer: Answer, unstored: Unstored): Promise<Verdict> {
    const { queue } = answer;
    if (answer.kind === 'unanswered')
      return this.notStored(queue, answer.error, KAFKA.UNKNOWN_TOPIC_OR_PARTITION, unstored);
    const { code, baseOffset } = answer.result;
    switch (outcomeOf(code)) {
      case 'stored':
        this.topic.noteStored();
        this.parts.counters.records.value += queue.head.length;
        this.parts.counters.bytes.value += queue.bytes.length;
        queue.stored(this.topic.name, baseOffset);
        return DONE;
      case 'refused':
        return this.narrow(queue, code, unstored);
      case 'fenced':
        return this.renumber(queue, code);
      case 'missing':
        return this.notStored(queue, brokerError(code), code, unstored);
      case 'unknown':
        return this.repeat(brokerError(code));
    }
  }

  /** Repeats the batch, unless its partition is gone for good: with its topic, or alone. */
  private notStored(queue: PartitionQueue, reason: Error, code: number, unstored: Unstored): Verdict {
    switch (this.topic.fateOf(queue.partition)) {
      case 'repeat':
        return this.repeat(reason);
      case 'move':
        unstored.moved.push(...queue.takeAll());
        return DONE;
      case 'refuse':
        return this.refuse(queue, queue.takeAll(), code, unstored);
    }
  }

  /** Finds the records that are to blame by halves. The broker stored nothing, so the numbers are still free. */
  private narrow(queue: PartitionQueue, code: number, unstored: Unstored): Verdict {
    if (code === KAFKA.MESSAGE_TOO_LARGE) void this.parts.limits.read(this.topic.name);
    if (!isAboutRecords(code)) return this.refuse(queue, queue.takeAll(), code, unstored);
    if (queue.head.length === 1) return this.refuse(queue, queue.takeHead(), code, unstored);
    queue.halve();
    return DONE;
  }

  /** Only this batch gets another producer: those of other partitions may be stored under the numbers they have. */
  private async renumber(queue: PartitionQueue, code: number): Promise<Verdict> {
    this.parts.duplicatesPossible(new TidegateError('TG_LOG_FENCED', refusalOf(code, this.topic.name).message));
    await this.parts.producers.replace(queue.producer);
    queue.forgetNumber();
    return DONE;
  }

  private refuse(queue: PartitionQueue, records: readonly Planned[], code: number, { refusals }: Unstored): Verdict {
    const { name } = this.topic;
    const time = code === KAFKA.INVALID_TIMESTAMP ? records[0]?.record.timestamp : undefined;
    const failure = time === undefined ? refusalOf(code, name) : timeRefusal(name, time, this.parts.clock.now());
    this.parts.logger.debug({ topic: name, partition: queue.partition, code: failure.code }, failure.message);
    for (const { index } of records) refusals.push({ index, failure });
    return DONE;
  }

  private repeat(error: unknown): Verdict {
    return { kind: 'repeat', reason: logError(error, `topic ${this.topic.name}`) };
  }
}
