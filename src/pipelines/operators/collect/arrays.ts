import type { Hold, Message, PartitionOperator, PartitionPort } from '../../../sdk/index.ts';
import type { StateSize } from '../state-limit.ts';

/** What a record adds. */
export interface Item {
  /** undefined: arrays are not by key. */
  readonly key: string | undefined;
  /** JSON of what is kept of it. */
  readonly value: string;
}

export interface Collecting {
  /** A full array has so many values, or so many bytes. */
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds after the first record at which all arrays of a partition end; undefined: they wait until they are full. */
  readonly period: number | undefined;
  /** Throws, or rejects with, TG_EXPRESSION_FAILED. */
  read(record: Message): Item | Promise<Item>;
  /** `by`: the record that made it full. */
  result(array: OpenArray, by?: Message): Message;
}

/** Bytes of an array and of a value in it, about, besides their text. */
const ARRAY_BYTES = 200;
const VALUE_BYTES = 24;

export interface OpenArray {
  readonly key: string | undefined;
  /** JSON of each. */
  readonly values: string[];
  /** Time of the latest record. */
  time: number;
  /** Of the JSON, without brackets. */
  bytes: number;
}

/** Arrays that began since the state was empty: they end together, and are rebuilt together. */
interface Round {
  readonly hold: Hold;
  readonly end: number;
}

/** Arrays of one partition. Each record is in one of them, in the order of the partition. */
export class Arrays implements PartitionOperator {
  readonly size: StateSize;
  private readonly collecting: Collecting;
  private readonly port: PartitionPort;
  private readonly open = new Map<string | undefined, OpenArray>();
  private round: Round | undefined;
  /** Rounds that time ended and that are not stored. */
  private pending = 0;

  constructor(collecting: Collecting, port: PartitionPort, size: StateSize) {
    this.collecting = collecting;
    this.port = port;
    this.size = size;
  }

  take(record: Message, time: number): undefined | Promise<undefined> {
    const item = this.collecting.read(record);
    if (item instanceof Promise) return item.then((ready) => this.add(record, time, ready));
    return this.add(record, time, item);
  }

  /** Ends all arrays whose time is over, however full they are. */
  advance(): void {
    const { round, port } = this;
    if (round === undefined || port.watermark < round.end) return;
    const arrays = [...this.open.values()];
    for (const array of arrays) this.remove(array);
    this.round = undefined;
    port.mayRestart();
    this.pending += 1;
    port.give({
      results: this.results(arrays),
      holds: [round.hold],
      done: () => {
        this.pending -= 1;
      },
    });
  }

  private add(record: Message, time: number, { key, value }: Item): undefined {
    const { count, bytes } = this.collecting;
    const known = this.open.get(key);
    const isFull = known !== undefined && known.bytes + value.length + 1 > bytes;
    this.size.check(known === undefined ? 1 : 0, true);
    if (known !== undefined && isFull) this.complete(known, record);
    const array = (isFull ? undefined : known) ?? this.begin(key);
    this.round ??= this.newRound(record);
    array.values.push(value);
    array.time = Math.max(array.time, time);
    array.bytes += value.length + 1;
    this.size.bytes += value.length + VALUE_BYTES;
    if (array.values.length >= count) this.complete(array, record);
  }

  private begin(key: string | undefined): OpenArray {
    const array = { key, values: [], time: 0, bytes: 0 };
    this.open.set(key, array);
    this.size.keys += 1;
    this.size.bytes += ARRAY_BYTES + (key ?? '').length;
    return array;
  }

  private newRound(record: Message): Round {
    const { period = Number.POSITIVE_INFINITY } = this.collecting;
    this.port.mayRestart(record);
    // If the clock ended the last round, it would go on with this record after a crash: nothing that comes of that may count
    // as stored.
    if (this.pending > 0) this.port.give({ by: record, results: [] });
    return { hold: this.port.hold(record), end: this.port.watermark + period };
  }

  /** `record`: its last one, or one for which there is no room in it. */
  private complete(array: OpenArray, record: Message): void {
    this.remove(array);
    this.port.give({ by: record, results: [this.collecting.result(array, record)] });
    const { round } = this;
    if (round === undefined || this.open.size > 0) return;
    this.round = undefined;
    this.port.release(round.hold, record);
  }

  private remove({ key, values, bytes }: OpenArray): void {
    this.open.delete(key);
    this.size.keys -= 1;
    this.size.bytes -= ARRAY_BYTES + (key ?? '').length + bytes + (VALUE_BYTES - 1) * values.length;
  }

  private *results(arrays: readonly OpenArray[]): Iterable<Message> {
    for (const array of arrays) yield this.collecting.result(array);
  }
}
