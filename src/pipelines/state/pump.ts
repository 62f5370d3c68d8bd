import type { Batch } from '../../core/batch.ts';
import type { StageMetrics } from './metrics.ts';
import type { Outgoing } from './outgoing.ts';

/** Batches of results that are handed on before the event loop has its turn: a window may have a million. */
const BATCHES_PER_TURN = 8;

interface PumpHost {
  readonly isOpen: boolean;
  /** Results that count as one are written in one transaction: what has begun is given out whole, also over the limit. */
  readonly isTransactional?: boolean | undefined;
}

/** Hands results on for as long as the pipeline has room, a few at a time. */
export class Pump {
  private readonly outgoing: Outgoing;
  private readonly host: PumpHost;
  private readonly handOn: (results: Batch) => void;
  private readonly metrics: StageMetrics | undefined;
  private readonly failed: (error: unknown) => void;
  private later: NodeJS.Immediate | undefined;
  private isRunning = false;

  /** `failed`: learns of what results throw, which are made as they are handed on. */
  constructor(
    outgoing: Outgoing,
    host: PumpHost,
    { handOn, failed }: { readonly handOn: (results: Batch) => void; readonly failed: (error: unknown) => void },
    metrics: StageMetrics | undefined,
  ) {
    this.outgoing = outgoing;
    this.host = host;
    this.handOn = handOn;
    this.failed = failed;
    this.metrics = metrics;
  }

  /** May be called at any time: results may be stored as they are handed over, and what comes later goes behind what waits. */
  run(): void {
    if (this.isRunning || this.later !== undefined) return;
    this.isRunning = true;
    try {
      for (let batches = 0; this.mayGoOn; batches += 1) {
        if (batches === BATCHES_PER_TURN) {
          this.later = setImmediate(() => {
            this.later = undefined;
            this.run();
          });
          return;
        }
        const results = this.outgoing.next();
        if (results === undefined) return;
        this.metrics?.gave(results.length);
        this.handOn(results);
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.isRunning = false;
    }
  }

  private get mayGoOn(): boolean {
    const { host, outgoing } = this;
    return host.isOpen || outgoing.isUrgent || (host.isTransactional === true && outgoing.hasBegun);
  }

  stop(): void {
    clearImmediate(this.later);
  }
}
