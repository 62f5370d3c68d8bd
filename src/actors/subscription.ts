import type { Observable, Subscription as RxSubscription } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Source } from '../core/component.ts';
import type { Log, Reader, StartPosition } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { catchUp } from './catch-up.ts';
import { describeGap } from './gap-words.ts';
import { BatchRelay } from './relay.ts';

export interface SubscriptionOptions {
  readonly log: Log;
  readonly topics: readonly string[];
  readonly from: StartPosition;
  readonly logger: Logger;
  /** Told of each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
  /** Told once: everything that was there at the first start has been handed on. */
  readonly caughtUp?: () => void;
}

/**
 * A broadcast subscription: a reader without a group, whose positions live here and survive the pipeline's own
 * restarts. Nothing is committed.
 */
export class Subscription implements Source {
  readonly batches$: Observable<Batch>;
  private readonly relay = new BatchRelay();
  private readonly options: SubscriptionOptions;
  private from: StartPosition;
  private reader: Reader | undefined;
  /** Whether the reader knows its positions by now; before that they say nothing. */
  private isLive = false;
  private hasCaughtUp = false;
  private readonly following: RxSubscription[] = [];

  constructor(options: SubscriptionOptions) {
    this.options = options;
    this.from = options.from;
    this.batches$ = this.relay.batches$;
  }

  async open(): Promise<void> {
    const { log, topics, logger } = this.options;
    const reader = log.reader({ topics, from: this.from });
    this.reader = reader;
    this.isLive = false;
    this.following.push(
      reader.gaps$.subscribe((gap) => logger.error({ ...gap }, describeGap(gap))),
      reader.batches$.subscribe({
        next: (batch) => {
          this.options.polled(batch);
          this.relay.next(batch);
        },
        error: (error) => this.relay.error(error),
      }),
    );
    await reader.live;
    if (this.reader !== reader) return;
    this.isLive = true;
    this.handOnThePast(reader).catch((error: unknown) => logger.error({ error }, 'catching up with the topics failed'));
  }

  pause(): void {
    this.reader?.pause();
  }

  resume(): void {
    this.reader?.resume();
  }

  private async handOnThePast(reader: Reader): Promise<void> {
    const { log, topics, caughtUp } = this.options;
    if (caughtUp === undefined) return;
    const isWanted = () => this.reader === reader && !this.hasCaughtUp;
    if (!(await catchUp(log.admin, reader, topics, isWanted))) return;
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
  }
}
