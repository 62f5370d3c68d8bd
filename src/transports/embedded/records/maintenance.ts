import type { Clock } from '../../../core/clock.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { compact } from './compaction.ts';
import { applyRetention, byteLimit, type RetentionDefaults } from './retention.ts';
import type { Store } from './store.ts';
import type { PartitionState } from './topic-state.ts';

const INTERVAL = 30_000;
/** Growth beyond the limit, as a part of it, that is not left to the timer. */
const EXCESS = 0.1;

export interface MaintenanceParts extends RetentionDefaults {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs retention and compaction beside the traffic, one at a time. */
export class Maintenance {
  private readonly store: Store;
  private readonly parts: MaintenanceParts;
  private readonly trimming = new Set<PartitionState>();
  private work: Promise<void> = Promise.resolve();
  private isStopped = false;
  private cancelTimer: () => void = () => {};

  constructor(store: Store, parts: MaintenanceParts) {
    this.store = store;
    this.parts = parts;
    this.schedule();
  }

  /** Runs all of it; `force` compacts even where little has changed. Rejects when the disk refuses. */
  run(force: boolean): Promise<void> {
    return this.queue(async () => {
      for (const topic of [...this.store.topics.values()]) {
        for (const partition of topic.partitions) {
          if (this.isStopped || topic.deleted) break;
          const now = this.parts.clock.now();
          await compact(this.store.records, partition, now, force);
          await applyRetention(this.store.records, partition, this.parts, now);
        }
      }
    });
  }

  /** Trims a partition at once that has outgrown its limit. */
  grew(partition: PartitionState): void {
    if (partition.bytes <= byteLimit(partition, this.parts) * (1 + EXCESS) || this.trimming.has(partition)) return;
    this.trimming.add(partition);
    this.queue(() => applyRetention(this.store.records, partition, this.parts, this.parts.clock.now()))
      .catch((error) => this.logFailure(error))
      .finally(() => this.trimming.delete(partition));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelTimer();
    await this.work;
  }

  private schedule(): void {
    this.cancelTimer = this.parts.clock.after(INTERVAL, () => {
      this.run(false)
        .catch((error) => this.logFailure(error))
        .finally(() => {
          if (!this.isStopped) this.schedule();
        });
    });
  }

  private queue(task: () => Promise<void>): Promise<void> {
    const done = this.work.then(() => (this.isStopped ? undefined : task()));
    this.work = done.catch(() => undefined);
    return done;
  }

  private logFailure(error: unknown): void {
    this.parts.logger.warn({ error }, 'retention or compaction failed and is tried again later');
  }
}
