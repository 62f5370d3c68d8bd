import type { Connection } from '../actors/endpoint/connection.ts';
import type { ClientMemory } from '../core/client-memory.ts';
import { type Clock, every, systemClock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';

/** An endpoint whose clients may be cut. */
export interface MemoryHolders {
  /** Connections that may be cut for the memory that is held for them. */
  readonly holders: Connection[];
}

/** Milliseconds that readers wait at the limit for memory that becomes free by itself, before a client is cut for them. */
const WAIT_TIMEOUT = 1_000;

/**
 * Keeps what is held for clients under `memory.limit`. Readers are paused at the limit, see `ClientMemory`; where that is
 * not enough, as they wait for each other or records pile up for clients that do not take them, those that hold most are
 * cut. Gates bound the rest: see the ceiling that lint prints.
 */
export class MemoryBudget {
  private readonly memory: ClientMemory;
  private readonly endpoints: Iterable<MemoryHolders>;
  private readonly logger: Logger;
  private readonly endLooking: () => void;
  private fedBefore = -1;

  constructor(
    memory: ClientMemory,
    endpoints: Iterable<MemoryHolders>,
    stats: Stats,
    logger: Logger,
    clock: Clock = systemClock,
  ) {
    this.memory = memory;
    this.endpoints = endpoints;
    this.logger = logger;
    stats.gauge('tidegate_memory_held_bytes', { kind: 'clients' }, () => memory.held);
    stats.gauge('tidegate_memory_limit_bytes', {}, () => memory.limit);
    memory.onExcess = () => this.enforce();
    this.endLooking = every(clock, WAIT_TIMEOUT, () => this.look());
  }

  close(): void {
    this.endLooking();
    this.memory.onExcess = () => {};
  }

  /** Cuts where readers have waited for a whole interval and none of them went on. */
  private look(): void {
    const { memory } = this;
    let answers = 0;
    for (const { holders } of this.endpoints) for (const { parts } of holders) answers += parts.answerBytes;
    memory.countedAnswers(answers);
    if (memory.isExceeded) this.enforce();
    else if (memory.waiting === 0) this.fedBefore = -1;
    else if (memory.fed === this.fedBefore) this.cutLargest();
    else this.fedBefore = memory.fed;
  }

  private enforce(): void {
    this.memory.enforced();
    if (this.memory.isExceeded) this.cutLargest();
  }

  private cutLargest(): void {
    const { memory, logger } = this;
    const { held, limit, waiting } = memory;
    const holders = [...this.endpoints]
      .flatMap(({ holders }) => holders)
      .map((connection) => ({ connection, weight: connection.parts.weight }))
      .filter(({ weight }) => weight > 0)
      .sort((a, b) => b.weight - a.weight);
    let cut = 0;
    for (const { connection, weight } of holders) {
      if (!memory.isNearlyFull) break;
      logger.debug(
        { client_id: connection.info.clientId, bytes: weight },
        'closing a client that holds the most memory',
      );
      connection.cut();
      cut += 1;
    }
    logger.warn(
      { held, limit, waiting, closed: cut },
      `memory.limit is reached: closed ${cut} ${cut === 1 ? 'client' : 'clients'} for which most was held`,
    );
  }
}
