import type { Batch } from '../core/batch.ts';
import { asTidegateError } from '../core/errors.ts';
import type { InternalTopics } from '../core/internal-topics.ts';
import { recordOf } from '../core/topic-record.ts';
import type { ConsumerFacts, ConsumerReady, EventHub } from '../telemetry/events.ts';
import type { MemberStatus, ReadReport } from '../telemetry/read-report.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { Tracing } from '../telemetry/tracing.ts';

export interface ReadingContext {
  readonly stats: Stats;
  readonly tracing: Pick<Tracing, 'polled'>;
  readonly events: Pick<EventHub, 'has' | 'emit'>;
  readonly internalTopics: Pick<InternalTopics, 'isOfGateways'>;
}

/** What a gateway reads: one call gives the metrics, the spans and the events of it. Internal topics make no events. */
export class Reading implements ReadReport {
  private readonly context: ReadingContext;
  /** Topics that are or were read. */
  private readonly consumed = new Set<string>();
  private readonly joinedMembers = new Set<MemberStatus>();

  constructor(context: ReadingContext) {
    this.context = context;
  }

  get topics(): Iterable<string> {
    return this.consumed;
  }

  /** The groups that this gateway is a member of now, for pipelines and clients. */
  get members(): readonly MemberStatus[] {
    return [...this.joinedMembers];
  }

  /** Alerts watch for gaps, and see a first one only where the series was there before it. */
  expect(topic: string): void {
    const { stats } = this.context;
    stats.counter('tidegate_records_consumed_total', { topic });
    stats.counter('tidegate_reader_gap_records_total', { topic });
    stats.counter('tidegate_reader_recreated_partitions_total', { topic });
  }

  opening(topics: readonly string[]): void {
    for (const topic of topics) {
      this.consumed.add(topic);
      this.expect(topic);
    }
  }

  /** Of each batch, before anything else sees it. */
  polled(batch: Batch, group: string | undefined): void {
    const { stats, tracing, events } = this.context;
    const topic = batch.messages[0]?.topic ?? '';
    this.consumed.add(topic);
    stats.counter('tidegate_records_consumed_total', { topic }).value += batch.length;
    tracing.polled(batch, topic, group);
    if (!events.has('consumer-message')) return;
    const consumer = group === undefined ? {} : { group };
    for (const message of batch.messages) events.emit('consumer-message', recordOf(message), consumer);
  }

  ready(consumer: ConsumerReady): void {
    if (!this.isInternal(consumer)) this.context.events.emit('consumer-ready', consumer);
  }

  failed(error: unknown, consumer: ConsumerFacts): void {
    if (this.isInternal(consumer)) return;
    this.context.events.emit('consumer-error', asTidegateError(error, 'TG_LOG_UNAVAILABLE'), consumer);
  }

  joined(member: MemberStatus): void {
    if (!this.isInternal(member)) this.joinedMembers.add(member);
  }

  left(member: MemberStatus): void {
    this.joinedMembers.delete(member);
  }

  /** The topic is gone from the log. */
  forget(topic: string): void {
    this.consumed.delete(topic);
  }

  private isInternal({ topics }: Pick<ConsumerFacts, 'topics'>): boolean {
    return topics.every((topic) => this.context.internalTopics.isOfGateways(topic));
  }
}
