import type { Observable, Subscription as RxSubscription } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import { describeGap } from '../core/gap-words.ts';
import type { Checkpoint, Gap, Log, Reader, StartPosition } from '../core/log.ts';
import { catchUp } from '../tables/catch-up.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ReadReport } from '../telemetry/read-report.ts';
import type { TopicsSource } from './matched-topics.ts';
import { BatchRelay } from './relay.ts';

/** Hears where the reader of a subscription is. `at`: asks it. */
export interface ReaderFollower {
  /** It is live, or, after its pipeline broke, live again. */
  live(at: () => Checkpoint): void;
  /** Before a pipeline sees the batch. */
  polled(batch: Batch, at: () => Checkpoint): void;
  gap(gap: Gap, at: () => Checkpoint): void;
}

export interface SubscriptionOptions {
  readonly log: Log;
  readonly topics: readonly string[];
  readonly from: StartPosition;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
  readonly report?: ReadReport;
  readonly follower?: ReaderFollower | undefined;
  /** Called once: everything that was there at the first start has been handed on. */
  readonly caughtUp?: () => void;
  /** Called each time it is closed, with where it goes on if it is opened again. */
  readonly closed?: (from: StartPosition) => void;
}

/**
 * A broadcast subscription: a reader without a group, whose positions live here and survive the pipeline's own
 * restarts. Nothing is committed.
 */
export class Subscription implements TopicsSource {
  readonly batches$: Observable<Batch>;
  private readonly relay = new BatchRelay();
  private readonly options: SubscriptionOptions;
  private from: StartPosition;
  private reader: Reader | undefined;
  /** Whether the reader knows its positions by now; before that they say nothing. */
  private isLive = false;
  private hasCaughtUp = false;
  private topics: readonly string[];
  private readonly following: RxSubscription[] = [];

  constructor(options: SubscriptionOptions) {
    this.options = options;
    this.from = options.from;
    this.topics = options.topics;
    this.batches$ = this.relay.batches$;
  }

  async open(): Promise<void> {
    const { log, logger, report, follower } = this.options;
    const { topics } = this;
    report?.opening(topics);
    const reader = log.reader({ topics, from: this.from });
    this.reader = reader;
    this.isLive = false;
    const at = () => reader.checkpoint();
    let isBroken = false;
    const broke = (error: unknown) => {
      if (isBroken || this.reader !== reader) return;
      isBroken = true;
      report?.failed(error, { topics });
    };
    this.following.push(
      reader.gaps$.subscribe((gap) => {
        logger.error({ ...gap }, describeGap(gap));
        follower?.gap(gap, at);
      }),
      reader.batches$.subscribe({
        next: (batch) => {
          this.options.polled(batch);
          follower?.polled(batch, at);
          this.relay.next(batch);
        },
        error: (error) => {
          broke(error);
          this.relay.error(error);
        },
      }),
    );
    try {
      await reader.live;
    } catch (error) {
      broke(error);
      throw error;
    }
    if (this.reader !== reader) return;
    this.isLive = true;
    follower?.live(at);
    if (!isBroken) report?.ready({ topics });
    this.handOnHistory(reader).catch((error: unknown) => logger.error({ error }, 'catching up with the topics failed'));
  }

  /** Another reader goes on from where this one is. */
  async read(topics: readonly string[], areNew: boolean): Promise<void> {
    const isOpen = this.reader !== undefined;
    await this.close();
    this.topics = topics;
    // What a checkpoint does not name is read from its first record.
    if (areNew && !isCheckpoint(this.from)) this.from = { checkpoint: new Map() };
    if (isOpen && topics.length > 0) await this.open();
  }

  pause(): void {
    this.reader?.pause();
  }

  resume(): void {
    this.reader?.resume();
  }

  private async handOnHistory(reader: Reader): Promise<void> {
    const { log, clock, caughtUp } = this.options;
    const { topics } = this;
    if (caughtUp === undefined) return;
    const isWanted = () => this.reader === reader && !this.hasCaughtUp;
    if (!(await catchUp(log.admin, reader, topics, clock, isWanted))) return;
    this.hasCaughtUp = true;
    caughtUp();
  }

  async close(): Promise<void> {
    const { reader } = this;
    if (reader === undefined) return;
    this.reader = undefined;
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    if (this.isLive) this.from = { checkpoint: reader.checkpoint() };
    await reader.close();
    if (isCheckpoint(this.from)) this.options.closed?.(this.from);
  }
}

function isCheckpoint(from: StartPosition): boolean {
  return typeof from === 'object' && 'checkpoint' in from;
}
