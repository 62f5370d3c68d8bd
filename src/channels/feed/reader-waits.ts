import type { Clock } from '../../core/clock.ts';
import type { PartitionOffsets } from '../../core/log.ts';

/** Milliseconds between two looks at where the reader is: records that no client gets come to no endpoint. */
const LOOK = 10;

export interface ReaderWaitsOptions {
  readonly ends: () => Promise<readonly PartitionOffsets[]>;
  /** By partition: the offset in front of which all records are settled; undefined: that is not known now. */
  readonly settled: () => ReadonlyMap<number, number> | undefined;
  readonly clock: Clock;
}

interface Wait {
  readonly partition: number;
  readonly offset: number;
  readonly end: (isThere?: boolean) => void;
}

/** Those that wait in one partition. */
interface Waiting {
  readonly all: Set<Wait>;
  /** None of them waits for an offset in front of that. */
  lowest: number;
}

/**
 * Clients that were at a gateway which has read further than this one: they wait until its reader is where they are. When that
 * gateway stops all of its clients come at once, so what is done for one of them does not depend on how many there are.
 */
export class ReaderWaits {
  private readonly options: ReaderWaitsOptions;
  private readonly byPartition = new Map<number, Waiting>();
  /** Those for which the log is to be asked if it reaches that far. */
  private readonly unasked = new Set<Wait>();
  private isAsking = false;
  private isBeginning = false;
  private isLooking = false;
  private cancelLook: () => void = () => {};

  constructor(options: ReaderWaitsOptions) {
    this.options = options;
  }

  /**
   * Resolves with true once all records in front of that offset are settled; with false where the log ends before it; with undefined
   * where nothing is read any more, or `signal` aborts. Never rejects.
   */
  until(partition: number, offset: number, signal: AbortSignal): Promise<boolean | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const abort = () => wait.end();
      const wait: Wait = {
        partition,
        offset,
        end: (isThere?: boolean) => {
          if (!this.remove(wait)) return;
          signal.removeEventListener('abort', abort);
          resolve(isThere);
        },
      };
      signal.addEventListener('abort', abort);
      this.add(wait);
      this.beginSoon();
    });
  }

  /** Records of that partition in front of the offset are settled, or are just handed on. */
  reached(partition: number, offset: number): void {
    const waiting = this.byPartition.get(partition);
    if (waiting === undefined || offset < waiting.lowest) return;
    waiting.lowest = Number.POSITIVE_INFINITY;
    for (const wait of [...waiting.all]) {
      if (wait.offset <= offset) wait.end(true);
      else waiting.lowest = Math.min(waiting.lowest, wait.offset);
    }
  }

  /** Nothing of the topic that they wait for is read any more. */
  endAll(): void {
    for (const { all } of [...this.byPartition.values()]) for (const wait of [...all]) wait.end();
  }

  private add(wait: Wait): void {
    const waiting = this.byPartition.get(wait.partition);
    if (waiting === undefined) this.byPartition.set(wait.partition, { all: new Set([wait]), lowest: wait.offset });
    else {
      waiting.all.add(wait);
      waiting.lowest = Math.min(waiting.lowest, wait.offset);
    }
    this.unasked.add(wait);
  }

  /** False where it has ended before. */
  private remove(wait: Wait): boolean {
    const waiting = this.byPartition.get(wait.partition);
    if (waiting?.all.delete(wait) !== true) return false;
    this.unasked.delete(wait);
    if (waiting.all.size === 0) this.byPartition.delete(wait.partition);
    if (this.byPartition.size === 0) this.rest();
    return true;
  }

  /** Once for all that come in this turn. */
  private beginSoon(): void {
    if (this.isBeginning) return;
    this.isBeginning = true;
    queueMicrotask(() => {
      this.isBeginning = false;
      this.look();
      this.ask();
      this.begin();
    });
  }

  private begin(): void {
    if (this.isLooking || this.byPartition.size === 0) return;
    this.isLooking = true;
    this.lookSoon();
  }

  private lookSoon(): void {
    this.cancelLook = this.options.clock.after(LOOK, () => {
      this.look();
      if (this.isLooking) this.lookSoon();
    });
  }

  private rest(): void {
    this.isLooking = false;
    this.cancelLook();
  }

  private look(): void {
    for (const [partition, offset] of this.options.settled() ?? []) this.reached(partition, offset);
  }

  /** One question for all that wait. A log that does not answer may have the records. */
  private ask(): void {
    if (this.isAsking) return;
    const asked = [...this.unasked];
    this.unasked.clear();
    if (asked.length === 0) return;
    this.isAsking = true;
    void this.options
      .ends()
      .then(
        (ends) => this.compare(asked, ends),
        () => {},
      )
      .finally(() => {
        this.isAsking = false;
        this.ask();
      });
  }

  private compare(asked: readonly Wait[], ends: readonly PartitionOffsets[]): void {
    const latest = new Map(ends.map((end) => [end.partition, end.latest]));
    for (const wait of asked) if (wait.offset > (latest.get(wait.partition) ?? 0)) wait.end(false);
  }
}
