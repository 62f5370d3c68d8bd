import { type Hold, type Message, type PartitionPort, type Taken, together } from '../../../sdk/index.ts';
import type { StateSize } from '../state-limit.ts';
import type { Accumulator } from './accumulators.ts';
import type { Contribution, Grouping, ResultKind, Span } from './grouping.ts';
import { bytesOf, Windows } from './groups.ts';

/** All keys of one window. */
interface Window extends Span {
  readonly hold: Hold;
  readonly keys: Map<string, Accumulator[]>;
  bytes: number;
}

/**
 * Windows of one length in one partition, which begin every so many milliseconds from the epoch on: tumbling where length
 * and distance are equal, hopping where windows overlap. One closes for all its keys when the watermark reaches its end.
 */
export class FixedWindows extends Windows {
  private readonly length: number;
  private readonly every: number;
  /** By their start. */
  private readonly open = new Map<number, Window>();
  private nextEnd = Number.POSITIVE_INFINITY;

  constructor(grouping: Grouping, length: number, every: number, port: PartitionPort, size: StateSize) {
    super(grouping, port, size);
    this.length = length;
    this.every = every;
  }

  override advance(): void {
    const { watermark } = this.port;
    if (watermark < this.nextEnd) return;
    this.nextEnd = Number.POSITIVE_INFINITY;
    const ended: Window[] = [];
    for (const window of this.open.values()) {
      if (window.end <= watermark) ended.push(window);
      else this.nextEnd = Math.min(this.nextEnd, window.end);
    }
    for (const window of ended.sort((one, other) => one.end - other.end)) this.close(window);
  }

  override giveAllEarly(at: number): boolean {
    const windows = [...this.open.values()].sort((one, other) => one.start - other.start);
    if (windows.length === 0) return false;
    const given = this.port.giveEarly(at, {
      results: this.results(windows, { part: at }),
      done: () => {
        for (const { hold } of windows) this.port.release(hold);
      },
    });
    if (!given) return false;
    for (const window of windows) this.forget(window);
    this.nextEnd = Number.POSITIVE_INFINITY;
    return true;
  }

  protected override add(record: Message, time: number, { key, values }: Contribution): Taken | Promise<Taken> {
    const last = Math.floor(time / this.every) * this.every;
    const first = this.firstOpen(last, time);
    if (first === undefined) return this.late(record);
    this.makeRoom(record, () => this.missing(first, last, key));
    if (this.grouping.aggregate.hasFold) return this.addFolded(record, time, { key, values }, first, last);
    for (let start = first; start <= last; start += this.every)
      this.addTo(this.windowAt(start, record), record, key, values, time);
    return undefined;
  }

  /** What the folds make for all windows is known before one of them takes it in. */
  private addFolded(
    record: Message,
    time: number,
    { key, values }: Contribution,
    first: number,
    last: number,
  ): Taken | Promise<Taken> {
    const pending: unknown[] = [];
    for (let start = first; start <= last; start += this.every) {
      const known = this.open.get(start)?.keys.get(key);
      pending.push(this.grouping.aggregate.folded(record, known, values));
    }
    return together(pending, (ready): Taken => {
      for (const [index, folded] of ready.entries())
        this.addTo(this.windowAt(first + index * this.every, record), record, key, folded as unknown[], time);
      return undefined;
    });
  }

  /** Start of the first window that has the time and is not closed, or undefined where the record is late for all. */
  private firstOpen(last: number, time: number): number | undefined {
    let first: number | undefined;
    for (let start = last; start > time - this.length; start -= this.every) {
      if (start + this.length <= this.port.watermark) break;
      first = start;
    }
    return first;
  }

  /** In how many of the windows the key is new. */
  private missing(first: number, last: number, key: string): number {
    let missing = 0;
    for (let start = first; start <= last; start += this.every)
      if (this.open.get(start)?.keys.has(key) !== true) missing += 1;
    return missing;
  }

  private windowAt(start: number, record: Message): Window {
    const known = this.open.get(start);
    if (known !== undefined) return known;
    const end = start + this.length;
    const window: Window = { start, end, hold: this.port.hold(record), keys: new Map(), bytes: 0 };
    this.open.set(start, window);
    this.size.windows += 1;
    this.nextEnd = Math.min(this.nextEnd, end);
    return window;
  }

  private addTo(window: Window, record: Message, key: string, values: readonly unknown[], time: number): void {
    const { aggregate } = this.grouping;
    let accumulators = window.keys.get(key);
    let before = 0;
    if (accumulators === undefined) {
      accumulators = aggregate.create();
      window.keys.set(key, accumulators);
      this.size.keys += 1;
    } else before = bytesOf(key, accumulators);
    aggregate.add(accumulators, values, time);
    const more = bytesOf(key, accumulators) - before;
    window.bytes += more;
    this.size.bytes += more;
    this.unshown.changed(accumulators, key, window, record);
  }

  private close(window: Window): void {
    const { hold, end } = window;
    this.forget(window);
    this.port.give({ end, results: this.results([window], 'final'), done: () => this.port.release(hold) });
  }

  private forget({ start, keys, bytes }: Window): void {
    this.open.delete(start);
    this.size.windows -= 1;
    this.size.keys -= keys.size;
    this.size.bytes -= bytes;
    if (this.grouping.changes !== undefined)
      for (const accumulators of keys.values()) this.unshown.forget(accumulators);
  }

  private *results(windows: readonly Window[], kind: ResultKind): Iterable<Message> {
    for (const window of windows)
      for (const [key, accumulators] of window.keys) yield this.grouping.result(key, window, accumulators, kind);
  }
}
