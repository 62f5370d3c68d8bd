import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Audience } from '../audience/audience.ts';

/** Most connections that one look may cut; the next look comes a second later. */
const MAX_CUTS = 16;

/**
 * Keeps what is held for clients (unfinished messages, send queues) under `memory.limit`, by cutting whoever holds
 * most. Gates bound the rest: see the ceiling that lint prints.
 */
export class MemoryBudget {
  private readonly limit: number;
  private readonly audiences: readonly Audience[];
  private readonly logger: Logger;
  private readonly timer: NodeJS.Timeout;

  /** `limit` in bytes. */
  constructor(limit: number, audiences: readonly Audience[], stats: Stats, logger: Logger) {
    this.limit = limit;
    this.audiences = audiences;
    this.logger = logger;
    stats.gauge('tidegate_memory_held_bytes', { kind: 'clients' }, () => this.held());
    stats.gauge('tidegate_memory_limit_bytes', {}, () => limit);
    this.timer = setInterval(() => this.enforce(), 1_000);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private held(): number {
    return this.audiences.reduce((sum, audience) => sum + audience.heldBytes, 0);
  }

  private enforce(): void {
    for (let cuts = 0; cuts < MAX_CUTS && this.held() > this.limit; cuts++) {
      const largest = this.audiences.reduce((a, b) => (b.heldBytes > a.heldBytes ? b : a));
      if (cuts === 0)
        this.logger.warn({ held: this.held(), limit: this.limit }, 'more is held for clients than memory.limit allows');
      largest.cutLargest();
    }
  }
}
