import type { Clock } from '../core/clock.ts';
import type { PartitionOffsets } from '../core/log.ts';

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
  /** Whether the log was asked if it reaches that far. */
  isAsked: boolean;
  readonly end: (isThere?: boolean) => void;
}

/** Clients that were at a gateway which has read further than this one: they wait until its reader is where they are. */
export class ReaderWaits {
  private readonly options: ReaderWaitsOptions;
  private readonly waits = new Set<Wait>();
  private isAsking = false;
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
        isAsked: false,
        end: (isThere?: boolean) => {
          if (!this.waits.delete(wait)) return;
          signal.removeEventListener('abort', abort);
          if (this.waits.size === 0) this.rest();
          resolve(isThere);
        },
      };
      signal.addEventListener('abort', abort);
      this.waits.add(wait);
      this.look();
      if (!this.waits.has(wait)) return;
      this.ask();
      this.begin();
    });
  }

  /** Records of that partition in front of the offset are settled, or are just handed on. */
  reached(partition: number, offset: number): void {
    if (this.waits.size === 0) return;
    for (const wait of [...this.waits]) if (wait.partition === partition && wait.offset <= offset) wait.end(true);
  }

  /** Nothing of the topic that they wait for is read any more. */
  endAll(): void {
    for (const wait of [...this.waits]) wait.end();
  }

  private begin(): void {
    if (this.isLooking) return;
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
    const asked = [...this.waits].filter(({ isAsked }) => !isAsked);
    if (asked.length === 0) return;
    this.isAsking = true;
    for (const wait of asked) wait.isAsked = true;
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
