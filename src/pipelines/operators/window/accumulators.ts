import { type Folded, writeJson } from '../../../sdk/index.ts';
import { DistinctCount } from './distinct-count.ts';

/** What one function of `aggregate` has seen of the records of one window and key. */
export interface Accumulator<Result = unknown> {
  /**
   * Never throws. `value`: what its expression gave, a number for those in NUMERIC; undefined is no value. `time`: of the
   * record, in milliseconds.
   */
  add(value: unknown, time: number): void;
  /** Takes in what another one of its kind has seen: two sessions became one. */
  merge(other: Accumulator<Result>): void;
  /** As it goes into the result; undefined leaves its field out. */
  readonly result: Result;
  /** Bytes that it keeps beyond a small fixed number. */
  readonly bytes: number;
}

/** Kinds of accumulators by their names in the YAML. Each call makes an empty one. */
export const ACCUMULATORS = {
  count: () => new Count(),
  sum: () => new Sum(),
  avg: () => new Average(),
  min: () => new Extreme((value, best) => value < best),
  max: () => new Extreme((value, best) => value > best),
  first: () => new AtTime((time, best) => time < best),
  last: () => new AtTime((time, best) => time >= best),
  collect: () => new Collect(),
  distinct: () => new Distinct(),
} satisfies Readonly<Record<string, () => Accumulator<never> | Accumulator>>;

export type AccumulatorName = keyof typeof ACCUMULATORS;

/** Those that compute: a value that is not a number fails its message before anything has taken it in. */
export const NUMERIC: ReadonlySet<AccumulatorName> = new Set(['sum', 'avg', 'min', 'max']);

class Count implements Accumulator<number> {
  result = 0;
  readonly bytes = 0;

  add(value: unknown): void {
    if (value !== undefined) this.result += 1;
  }

  merge({ result }: Accumulator<number>): void {
    this.result += result;
  }
}

class Sum implements Accumulator<number> {
  result = 0;
  readonly bytes = 0;

  add(value: unknown): void {
    this.result += (value as number | undefined) ?? 0;
  }

  merge({ result }: Accumulator<number>): void {
    this.result += result;
  }
}

class Average implements Accumulator<number | undefined> {
  private readonly values = new Count();
  private readonly sum = new Sum();
  readonly bytes = 0;

  get result(): number | undefined {
    return this.values.result === 0 ? undefined : this.sum.result / this.values.result;
  }

  add(value: unknown): void {
    this.sum.add(value);
    this.values.add(value);
  }

  merge(other: Average): void {
    this.values.merge(other.values);
    this.sum.merge(other.sum);
  }
}

class Extreme implements Accumulator<number | undefined> {
  result: number | undefined = undefined;
  readonly bytes = 0;
  private readonly isBetter: (value: number, best: number) => boolean;

  constructor(isBetter: (value: number, best: number) => boolean) {
    this.isBetter = isBetter;
  }

  add(value: unknown): void {
    if (value === undefined) return;
    const number = value as number;
    if (this.result === undefined || this.isBetter(number, this.result)) this.result = number;
  }

  merge({ result }: Accumulator<number | undefined>): void {
    this.add(result);
  }
}

/** The value of the earliest or latest record that has one. Of records with the same time, by the order of the topic. */
class AtTime implements Accumulator {
  result: unknown = undefined;
  bytes = 0;
  private time = 0;
  private readonly isBetter: (time: number, best: number) => boolean;

  constructor(isBetter: (time: number, best: number) => boolean) {
    this.isBetter = isBetter;
  }

  add(value: unknown, time: number): void {
    if (value === undefined) return;
    if (this.result !== undefined && !this.isBetter(time, this.time)) return;
    this.result = value;
    this.time = time;
    this.bytes = weightOf(value);
  }

  merge(other: AtTime): void {
    this.add(other.result, other.time);
  }
}

/** All values, in the order of the topic. */
class Collect implements Accumulator<unknown[]> {
  readonly result: unknown[] = [];
  bytes = 0;

  add(value: unknown): void {
    if (value === undefined) return;
    this.result.push(value);
    this.bytes += weightOf(value);
  }

  merge({ result }: Accumulator<unknown[]>): void {
    for (const value of result) this.add(value);
  }
}

/** What an expression made of all records so far. */
export class FoldState implements Accumulator {
  state: Folded;

  constructor(start: Folded) {
    this.state = start;
  }

  get result(): unknown {
    return this.state.value;
  }

  get bytes(): number {
    return 32 + this.state.size * 2;
  }

  /** `value`: the next state. */
  add(value: unknown): void {
    this.state = value as Folded;
  }

  /** Sessions have no fold. */
  merge(): void {}
}

/** How many different values there are: exact for few, within about 2 % for many. */
class Distinct implements Accumulator<number> {
  private readonly values = new DistinctCount();

  get result(): number {
    return this.values.estimate;
  }

  get bytes(): number {
    return this.values.bytes;
  }

  add(value: unknown): void {
    if (value !== undefined) this.values.add(textOf(value));
  }

  merge(other: Distinct): void {
    this.values.merge(other.values);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? (writeJson(value) ?? '') : `${typeof value}:${String(value)}`;
}

function weightOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  return typeof value === 'object' ? 32 + (writeJson(value) ?? '').length * 2 : 16;
}
