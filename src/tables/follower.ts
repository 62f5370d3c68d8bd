import type { Subscription as RxSubscription } from 'rxjs';
import { backoffDelay } from '../core/backoff.ts';
import type { Batch } from '../core/batch.ts';
import { type Clock, jitterOf } from '../core/clock.ts';
import { asTidegateError, type TidegateError } from '../core/errors.ts';
import { describeGap } from '../core/gap-words.ts';
import type { Gap, Log, Reader, StartPosition } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { factsOf } from '../telemetry/message-facts.ts';
import type { ReadReport } from '../telemetry/read-report.ts';
import { catchUp } from './catch-up.ts';

const BACKOFF = { initial: 100, max: 5_000 };

export interface FollowerOptions {
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly topics: readonly string[];
  readonly from: StartPosition;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Left out for topics of which the gateway reports nothing. */
  readonly report?: ReadReport;
  /** Takes each batch, of one partition, in order. What it throws is logged, and the batch counts as read. */
  readonly next: (batch: Batch) => void;
  /** A topic was deleted and created again: the next batch begins at the first record of the new topic. */
  readonly recreated?: (topic: string) => void;
}

/**
 * Reads topics without a group from a start position for as long as it is open. A reader that fails is replaced by one
 * that continues at the same position. Everything that was read is acked.
 */
export class Follower {
  private readonly options: FollowerOptions;
  private from: StartPosition;
  private reader: Reader | undefined;
  /** Whether the reader knows its positions; before that they mean nothing. */
  private isLive = false;
  private isClosed = false;
  private failures = 0;
  private following: RxSubscription[] = [];
  private readonly catchingUp: Promise<void>;
  /** Whether `caughtUp` was used: otherwise the ends of the topics are not requested. */
  private isAwaited = false;
  private hasCaughtUp: () => void = () => {};
  private cancelRetry: () => void = () => {};

  constructor(options: FollowerOptions) {
    this.options = options;
    this.from = options.from;
    this.catchingUp = new Promise((resolve) => {
      this.hasCaughtUp = resolve;
    });
  }

  /** Resolves when all has been read that the topics had at the first use; never, if it is closed before. */
  get caughtUp(): Promise<void> {
    const isFirst = !this.isAwaited;
    this.isAwaited = true;
    if (isFirst && this.isLive && this.reader !== undefined) void this.catchUp(this.reader);
    return this.catchingUp;
  }

  open(): void {
    const { log, topics, report } = this.options;
    report?.opening(topics);
    let reader: Reader;
    try {
      reader = log.reader({ topics, from: this.from });
    } catch (error) {
      this.tryAgain(error);
      return;
    }
    this.reader = reader;
    this.isLive = false;
    reader.live.then(
      () => this.live(reader),
      (error) => this.broke(reader, error),
    );
    this.following = [reader.gaps$.subscribe((gap) => this.reportGap(gap))];
    const batches = reader.batches$.subscribe({
      next: (batch) => this.handOn(batch),
      error: (error) => this.broke(reader, error),
    });
    // It may have failed during the subscription.
    if (this.reader === reader) this.following.push(batches);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry();
    await this.endReader();
  }

  private handOn(batch: Batch): void {
    this.failures = 0;
    try {
      this.options.next(batch);
    } catch (error) {
      const [first] = batch.messages;
      const facts = first === undefined ? {} : factsOf(first);
      this.options.logger.error({ ...facts, error }, 'records that were read could not be processed');
    }
    batch.ack();
  }

  private reportGap(gap: Gap): void {
    const { logger, recreated } = this.options;
    logger.error({ ...gap }, describeGap(gap));
    if (gap.recreated !== true) return;
    try {
      recreated?.(gap.topic);
    } catch (error) {
      logger.error({ error, topic: gap.topic }, 'the content of a topic that was deleted could not be removed');
    }
  }

  private live(reader: Reader): void {
    if (this.reader !== reader) return;
    this.isLive = true;
    const { topics, report } = this.options;
    report?.ready({ topics });
    if (this.isAwaited) void this.catchUp(reader);
  }

  private async catchUp(reader: Reader): Promise<void> {
    const { log, topics, clock } = this.options;
    const isWanted = () => this.reader === reader;
    if (await catchUp(log.admin, reader, topics, clock, isWanted)) this.hasCaughtUp();
  }

  private broke(reader: Reader, error: unknown): void {
    if (this.reader !== reader) return;
    if (this.isLive) this.from = { checkpoint: reader.checkpoint() };
    void this.endReader();
    const { topics, report } = this.options;
    report?.failed(error, { topics });
    this.tryAgain(error);
  }

  private tryAgain(error: unknown): void {
    if (this.isClosed) return;
    this.failures += 1;
    const { topics, logger, clock } = this.options;
    const failure: TidegateError = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
    logger.warn({ code: failure.code }, `reading ${topics.join(', ')} failed, trying again: ${failure.message}`);
    this.cancelRetry = clock.after(
      backoffDelay(this.failures, BACKOFF, () => jitterOf(clock)),
      () => this.open(),
    );
  }

  private async endReader(): Promise<void> {
    const { reader } = this;
    this.reader = undefined;
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    try {
      await reader?.close();
    } catch (error) {
      this.options.logger.debug({ error }, 'a reader could not be closed');
    }
  }
}
