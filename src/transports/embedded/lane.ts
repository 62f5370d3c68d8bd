import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Lane, LaneObserver, Refusal } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Propagation } from '../../core/propagation.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Append } from './records/records.ts';
import { appendsOf, missingTopic, place, type Share, type Shares, Sharing } from './records/shares.ts';
import type { Store } from './records/store.ts';
import type { PartitionState, TopicState } from './records/topic-state.ts';

/** Between attempts of a write that failed: a full disk needs an operator, so there is no hurry. */
const RETRY_PAUSE = 500;

export interface LaneParts {
  readonly store: () => Store;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly propagation?: Propagation | undefined;
  /** Largest record in bytes where the topic does not say. */
  readonly maxRecord: number;
  /** Called when a partition got records. */
  readonly grew: (partition: PartitionState) => void;
  /** Called with whether writing works. */
  readonly wrote: (failure: TidegateError | null) => void;
}

/** Writes to a topic: one transaction a send, repeated while the disk refuses it. A failed transaction stored nothing. */
export class EmbeddedLane implements Lane {
  private readonly topic: string;
  private readonly observer: LaneObserver;
  private readonly parts: LaneParts;
  private readonly counters;
  private readonly sharing: Sharing;
  private abandoned = false;
  private isCut = false;
  private endPause: (() => void) | undefined;
  private rejectPending: ((failure: TidegateError) => void) | undefined;

  constructor(topic: string, observer: LaneObserver, parts: LaneParts) {
    this.topic = topic;
    this.observer = observer;
    this.parts = parts;
    this.sharing = new Sharing(parts);
    const { stats } = parts;
    this.counters = {
      records: stats.counter('tidegate_lane_records_total', { topic }),
      bytes: stats.counter('tidegate_lane_bytes_total', { topic }),
      retries: stats.counter('tidegate_lane_retries_total', { topic }),
      refused: stats.counter('tidegate_lane_refused_total', { topic }),
      // LMDB loses no producers; alerts on it need the series all the same.
      duplicatesPossible: stats.counter('tidegate_lane_duplicates_possible_total', { topic }),
      seconds: stats.histogram('tidegate_lane_send_seconds', { topic }),
    };
  }

  send(messages: readonly Message[], traceId?: string): Promise<readonly Refusal[]> {
    if (this.isCut) return new Promise(() => {});
    if (this.abandoned) return Promise.reject(this.abandonment());
    return new Promise((resolve, reject) => {
      this.rejectPending = reject;
      this.storeAll(messages, traceId).then(resolve, reject);
    });
  }

  abandon(): void {
    this.abandoned = true;
    this.rejectPending?.(this.abandonment());
    this.endPause?.();
  }

  /** Ends as if its process had: nothing is sent or answered any more. */
  cut(): void {
    this.isCut = true;
    this.rejectPending = undefined;
    this.abandoned = true;
  }

  private async storeAll(messages: readonly Message[], traceId: string | undefined): Promise<readonly Refusal[]> {
    const started = this.parts.clock.elapsed();
    const topic = this.parts.store().topics.get(this.topic);
    if (topic === undefined) return this.refuseAll(messages, missingTopic(this.topic));
    const refusals: Refusal[] = [];
    const now = this.parts.clock.now();
    const shares = this.sharing.share(topic, messages, now, (index, failure) => refusals.push({ index, failure }));
    if (shares.size > 0) {
      const failure = await this.write(topic, shares);
      // Where it was deleted and created again meanwhile, all goes to the new one: nothing is in it yet.
      const isAnother = failure !== undefined && this.hasAnother(topic);
      if (isAnother) return this.storeAll(messages, traceId);
      if (failure !== undefined) return this.refuseAll(messages, failure);
    }
    this.counters.refused.value += refusals.length;
    this.counters.seconds.record((this.parts.clock.elapsed() - started) / 1_000, traceId);
    return refusals;
  }

  private hasAnother(topic: TopicState): boolean {
    const now = this.parts.store().topics.get(this.topic);
    return now !== undefined && now !== topic;
  }

  /** Undefined when all is stored; a failure when the topic is gone. */
  private async write(topic: TopicState, shares: Shares): Promise<TidegateError | undefined> {
    const appends = appendsOf(topic, shares);
    for (let hasFailed = false; ; hasFailed = true) {
      try {
        const bases = await this.parts.store().records.append(appends);
        this.parts.wrote(null);
        for (const { partition } of appends) this.parts.grew(partition);
        if (hasFailed) this.observer.recovered();
        for (const [at, share] of [...shares.values()].entries()) this.mark(share, appends[at], bases[at] ?? 0);
        return undefined;
      } catch (error) {
        const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE', `writing to ${this.topic}`);
        if (this.abandoned) throw this.abandonment();
        if (failure.next === 'reject') return failure;
        this.counters.retries.value += 1;
        this.parts.wrote(failure);
        if (failure.code === 'TG_LOG_FENCED') this.fenced(failure);
        else this.observer.retrying(failure);
        await this.pause();
        if (this.abandoned) throw this.abandonment();
      }
    }
  }

  /** What was sent last may be stored twice. */
  private fenced(failure: TidegateError): void {
    this.counters.duplicatesPossible.value += 1;
    this.observer.duplicatesPossible(failure);
  }

  private mark(share: Share, append: Append | undefined, base: number): void {
    place(share, this.topic, append?.partition.index ?? -1, base);
    this.counters.records.value += share.messages.length;
    for (const { value } of append?.batches ?? []) this.counters.bytes.value += value.length;
  }

  private refuseAll(messages: readonly Message[], failure: TidegateError): readonly Refusal[] {
    this.counters.refused.value += messages.length;
    return messages.map((_, index) => ({ index, failure }));
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(RETRY_PAUSE, resolve);
      this.endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  private abandonment(): TidegateError {
    return new TidegateError('TG_LOG_UNAVAILABLE', `the gateway stopped writing to ${this.topic}`);
  }
}
