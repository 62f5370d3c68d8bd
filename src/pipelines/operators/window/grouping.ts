import type { Message } from '../../../sdk/index.ts';
import type { Accumulator } from './accumulators.ts';
import type { Aggregate } from './aggregate.ts';

/** Milliseconds since the epoch: from `start`, before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a record adds to a window. */
export interface Contribution {
  readonly key: string;
  /** In the order of the functions of `aggregate`. */
  readonly values: readonly unknown[];
}

/** What a result is: of a window that ended, of one that has changed, or the part of one up to the record of an offset. */
export type ResultKind = 'final' | 'change' | { readonly part: number };

/** What both kinds of windows need of the settings. */
export interface Grouping {
  readonly aggregate: Aggregate;
  /** Whether windows are given out early where there is no room; records fail otherwise. */
  readonly emitsEarly: boolean;
  /** Milliseconds between two results of an open window, 0 for one at each change; undefined: it has none. */
  readonly changes: number | undefined;
  /** Milliseconds on a monotonic clock. */
  now(): number;
  /** Throws, or rejects with, TG_EXPRESSION_FAILED. */
  read(record: Message): Contribution | Promise<Contribution>;
  result(key: string, span: Span, accumulators: readonly Accumulator[], kind: ResultKind): Message;
  /** Takes over a record that no window takes any more; false where it is dropped. */
  late(record: Message): boolean;
}
