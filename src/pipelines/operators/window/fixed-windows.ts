import type { Hold, Message, PartitionPort } from '../../../sdk/index.ts';
import type { Accumulator } from './accumulators.ts';
import { bytesOf, type Contribution, type Grouping, type Span, Windows } from './groups.ts';
import type { StateSize } from './state-limit.ts';

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

  protected override add(record: Message, time: number, { key, values }: Contribution): void {
    const last = Math.floor(time / this.every) * this.every;
    const first = this.firstOpen(last, time);
    if (first === undefined) {
      this.grouping.late(record);
      return;
    }
    let missing = 0;
    for (let start = first; start <= last; start += this.every)
      if (this.open.get(start)?.keys.has(key) !== true) missing += 1;
    this.size.check(missing);
    for (let start = first; start <= last; start += this.every)
      this.addTo(this.windowAt(start, record), key, values, time);
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

  private windowAt(start: number, record: Message): Window {
    const known = this.open.get(start);
    if (known !== undefined) return known;
    const end = start + this.length;
    const window: Window = { start, end, hold: this.port.hold(record), keys: new Map(), bytes: 0 };
    this.open.set(start, window);
    this.nextEnd = Math.min(this.nextEnd, end);
    return window;
  }

  private addTo(window: Window, key: string, values: readonly unknown[], time: number): void {
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
  }

  private close(window: Window): void {
    const { hold, keys, bytes, start, end } = window;
    this.open.delete(start);
    this.size.keys -= keys.size;
    this.size.bytes -= bytes;
    this.port.give({ end, results: this.results({ start, end }, keys), done: () => this.port.release(hold) });
  }

  private *results(span: Span, keys: ReadonlyMap<string, Accumulator[]>): Iterable<Message> {
    for (const [key, accumulators] of keys) yield this.grouping.result(key, span, accumulators);
  }
}
