import type { Message, PartitionOperator, PartitionPort } from '../../../sdk/index.ts';
import type { Accumulator } from './accumulators.ts';
import type { Aggregate } from './aggregate.ts';
import type { StateSize } from './state-limit.ts';

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

/** What both kinds of windows need of the settings. */
export interface Grouping {
  readonly aggregate: Aggregate;
  /** Throws, or rejects with, TG_EXPRESSION_FAILED. */
  read(record: Message): Contribution | Promise<Contribution>;
  result(key: string, span: Span, accumulators: readonly Accumulator[]): Message;
  /** No window takes the record any more. */
  late(record: Message): void;
}

/** Bytes of a key's entry in a Map with its accumulators, about. */
const KEY_BYTES = 120;

export function bytesOf(key: string, accumulators: readonly Accumulator[]): number {
  let bytes = KEY_BYTES + key.length;
  for (const accumulator of accumulators) bytes += accumulator.bytes;
  return bytes;
}

/** Windows of one partition, of either kind. */
export abstract class Windows implements PartitionOperator {
  readonly size: StateSize;
  protected readonly grouping: Grouping;
  protected readonly port: PartitionPort;

  constructor(grouping: Grouping, port: PartitionPort, size: StateSize) {
    this.grouping = grouping;
    this.port = port;
    this.size = size;
  }

  abstract advance(): void;

  take(record: Message, time: number): undefined | Promise<void> {
    const contribution = this.grouping.read(record);
    if (contribution instanceof Promise) return contribution.then((ready) => this.add(record, time, ready));
    this.add(record, time, contribution);
    return undefined;
  }

  protected abstract add(record: Message, time: number, contribution: Contribution): void;
}
