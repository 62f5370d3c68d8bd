import type { ContenderName } from '../contenders.ts';
import type { Topics } from '../topics.ts';

/** What one run of one contender measured, by name of the metric. */
export type Measured = Readonly<Record<string, number>>;

export interface Metric {
  readonly name: string;
  readonly title: string;
  readonly digits: number;
}

/** A bar: what the gateway has to reach, against another contender or by itself. */
export interface Bar {
  readonly metric: string;
  readonly against?: ContenderName;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Conditions {
  readonly brokers: string;
  readonly topics: Topics;
  /** Of load before the measurement, so that code is compiled and queues are full; milliseconds. */
  readonly warmUp: number;
  /** Of the measurement; milliseconds. */
  readonly window: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly contenders: readonly ContenderName[];
  readonly metrics: readonly Metric[];
  readonly bars: readonly Bar[];
  run(contender: ContenderName, conditions: Conditions): Promise<Measured>;
}

export const PAYLOAD_BYTES = 200;
export const MIB = 1_048_576;

/** A figure is worth nothing where records are lost: that ends the run, unless it is a baseline's. */
export function demandNothingLost(name: ContenderName, missing: number, sent: number): void {
  if (name === 'gateway' && missing > 0) throw new Error(`${name}: LOST ${missing} of ${sent} records`);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `settled` is true, or until nothing has moved for `patience` milliseconds. */
export async function untilQuiet(look: () => Promise<{ settled: boolean; progress: number }>, patience: number) {
  let last = Number.NaN;
  let since = Date.now();
  while (Date.now() - since < patience) {
    const { settled, progress } = await look();
    if (settled) return;
    if (progress !== last) since = Date.now();
    last = progress;
    await pause(50);
  }
}
