import type { Subscription as RxSubscription } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import { asTidegateError, type TidegateError } from '../core/errors.ts';
import type { Gap, Log, Reader, StartPosition } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { factsOf } from '../telemetry/message-facts.ts';
import { backoffDelay } from './backoff.ts';
import { describeGap } from './gap-words.ts';
import { type End, endsOf, haveReached } from './positions.ts';

/** Milliseconds between two looks at how far reading has come. */
const LOOK = 20;
const RETRY = { initial: 100, max: 5_000 };

export interface FollowerOptions {
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly topics: readonly string[];
  readonly from: StartPosition;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Takes each batch, of one partition, in order. What it throws is logged, and the batch counts as read. */
  readonly next: (batch: Batch) => void;
  /** A topic was deleted and created again: what comes next begins at the first record of the new one. */
  readonly recreated?: (topic: string) => void;
}

/**
 * Reads topics without a group from a start position for as long as it is open. A reader that breaks is replaced by
 * one that goes on where it was. Everything that was read is acked.
 */
export class Follower {
  private readonly options: FollowerOptions;
  private from: StartPosition;
  private reader: Reader | undefined;
  /** Whether the reader knows its positions by now; before that they say nothing. */
  private isLive = false;
  private isClosed = false;
  private failures = 0;
  private following: RxSubscription[] = [];
  private readonly catchingUp: Promise<void>;
  /** Whether anybody wants to know when it has caught up: else nobody asks for ends. */
  private isAwaited = false;
  private ends: readonly End[] | undefined;
  /** Moves on whenever the ends are asked for. */
  private asked = 0;
  private hasCaughtUp: () => void = () => {};
  private cancelRetry: () => void = () => {};
  private cancelLook: () => void = () => {};

  constructor(options: FollowerOptions) {
    this.options = options;
    this.from = options.from;
    this.catchingUp = new Promise((resolve) => {
      this.hasCaughtUp = resolve;
    });
  }

  /** Resolves when all has been handed on that the topics had when it was asked for; never, if it is closed before. */
  get caughtUp(): Promise<void> {
    const isFirst = !this.isAwaited;
    this.isAwaited = true;
    if (isFirst && this.isLive && this.reader !== undefined) void this.askEnds(this.reader);
    return this.catchingUp;
  }

  open(): void {
    const { log, topics } = this.options;
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
    this.following = [reader.gaps$.subscribe((gap) => this.over(reader, gap))];
    const batches = reader.batches$.subscribe({
      next: (batch) => this.take(batch),
      error: (error) => this.broke(reader, error),
    });
    // It may have broken while it was subscribed to.
    if (this.reader === reader) this.following.push(batches);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry();
    this.cancelLook();
    await this.endReader();
  }

  private take(batch: Batch): void {
    this.failures = 0;
    try {
      this.options.next(batch);
    } catch (error) {
      const [first] = batch.messages;
      const facts = first === undefined ? {} : factsOf(first);
      this.options.logger.error({ ...facts, error }, 'records could not be taken in');
    }
    batch.ack();
  }

  private over(reader: Reader, gap: Gap): void {
    const { logger, recreated } = this.options;
    logger.error({ ...gap }, describeGap(gap));
    if (gap.recreated !== true) return;
    try {
      recreated?.(gap.topic);
    } catch (error) {
      logger.error({ error, topic: gap.topic }, 'what was read of a topic that is gone could not be dropped');
    }
    // The ends that were asked for are those of the old one.
    if (this.ends === undefined) return;
    this.ends = undefined;
    this.cancelLook();
    void this.askEnds(reader);
  }

  private live(reader: Reader): void {
    if (this.reader !== reader) return;
    this.isLive = true;
    if (this.isAwaited && this.ends === undefined) void this.askEnds(reader);
  }

  private async askEnds(reader: Reader): Promise<void> {
    const { log, topics, clock } = this.options;
    const asked = ++this.asked;
    try {
      const ends = await endsOf(log.admin, topics);
      if (asked !== this.asked) return;
      this.ends = ends;
      if (!this.isClosed) this.look();
    } catch {
      if (asked !== this.asked) return;
      // The log is away, which it says by itself. A reader that breaks meanwhile is followed by one that asks, too.
      this.cancelLook = clock.after(RETRY.initial, () => {
        if (this.reader === reader) void this.askEnds(reader);
      });
    }
  }

  private readonly look = (): void => {
    const positions = this.isLive ? this.reader?.positions() : undefined;
    if (positions !== undefined && haveReached(positions, this.ends ?? [])) this.hasCaughtUp();
    else this.cancelLook = this.options.clock.after(LOOK, this.look);
  };

  private broke(reader: Reader, error: unknown): void {
    if (this.reader !== reader) return;
    if (this.isLive) this.from = { checkpoint: reader.checkpoint() };
    void this.endReader();
    this.tryAgain(error);
  }

  private tryAgain(error: unknown): void {
    if (this.isClosed) return;
    this.failures += 1;
    const { topics, logger, clock } = this.options;
    const failure: TidegateError = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
    logger.warn(
      { code: failure.code },
      `reading ${topics.join(', ')} broke off and is tried again: ${failure.message}`,
    );
    this.cancelRetry = clock.after(backoffDelay(this.failures, RETRY), () => this.open());
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
