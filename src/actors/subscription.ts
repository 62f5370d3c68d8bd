import { type Observable, type Subscription as RxSubscription, Subject } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Source } from '../core/component.ts';
import type { Log, Reader, StartPosition } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface SubscriptionOptions {
  readonly log: Log;
  readonly topics: readonly string[];
  readonly from: StartPosition;
  readonly logger: Logger;
  /** Told of each batch before a pipeline sees it. */
  readonly polled: (batch: Batch) => void;
}

/**
 * A broadcast subscription: a reader without a group, whose positions live here and survive the pipeline's own
 * restarts. Nothing is committed.
 */
export class Subscription implements Source {
  readonly batches$: Observable<Batch>;
  private readonly batches = new Subject<Batch>();
  private readonly options: SubscriptionOptions;
  private from: StartPosition;
  private reader: Reader | undefined;
  private readonly following: RxSubscription[] = [];

  constructor(options: SubscriptionOptions) {
    this.options = options;
    this.from = options.from;
    this.batches$ = this.batches.asObservable();
  }

  async open(): Promise<void> {
    const { log, topics, logger } = this.options;
    const reader = log.reader({ topics, from: this.from });
    this.reader = reader;
    this.following.push(
      reader.gaps$.subscribe((gap) =>
        logger.error(
          { ...gap },
          `records ${gap.from}-${gap.to - 1} of ${gap.topic}/${gap.partition} were gone before they could be read`,
        ),
      ),
      reader.batches$.subscribe({
        next: (batch) => {
          this.options.polled(batch);
          this.batches.next(batch);
        },
        error: (error) => this.batches.error(error),
      }),
    );
    await reader.live;
  }

  pause(): void {
    this.reader?.pause();
  }

  resume(): void {
    this.reader?.resume();
  }

  async close(): Promise<void> {
    const { reader } = this;
    if (reader === undefined) return;
    this.reader = undefined;
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    this.from = { offsets: plain(reader.positions()) };
    await reader.close();
  }
}

function plain(positions: ReadonlyMap<string, ReadonlyMap<number, number>>): Record<string, Record<number, number>> {
  return Object.fromEntries([...positions].map(([topic, partitions]) => [topic, Object.fromEntries(partitions)]));
}
