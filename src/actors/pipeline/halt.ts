import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { factsOf } from '../../telemetry/message-facts.ts';

/** Milliseconds that a pipeline which stops at a record waits for those in front of it to be settled. */
const TIMEOUT = 10_000;

/** How a pipeline that may not skip a record stops at the first one that fails for good: those behind it go no further. */
export class Halt {
  /** What the log says of the record that failed. */
  failedOn: Readonly<Record<string, unknown>> = {};
  private readonly pipeline: string;
  private readonly clock: Clock;
  private hasBegun = false;
  private cancelTimeout: (() => void) | undefined;

  constructor(pipeline: string, clock: Clock) {
    this.pipeline = pipeline;
    this.clock = clock;
  }

  /** A record has failed, and the pipeline has not failed yet. */
  get isOn(): boolean {
    return this.hasBegun;
  }

  /** Why messages behind the record are nacked. */
  get reason(): TidegateError {
    return new TidegateError('TG_FLOW_FAILED', `the pipeline ${this.pipeline} stops at a record in front of this one`);
  }

  /** At a record that is just being settled. Returns why the pipeline fails. */
  begin(record: Message, failure: TidegateError): TidegateError {
    this.failedOn = factsOf(record);
    this.hasBegun = true;
    const what = record.offset < 0 ? 'a message' : `record ${record.topic}/${record.partition}/${record.offset}`;
    return new TidegateError(failure.code, `${what} cannot be processed: ${failure.message}`, failure);
  }

  /** Calls back when the records in front of the failed one took too long. */
  wait(tookTooLong: () => void): void {
    this.cancelTimeout = this.clock.after(TIMEOUT, tookTooLong);
  }

  end(): void {
    this.hasBegun = false;
    this.cancelTimeout?.();
  }

  /** Whether a batch may come in; it is behind the failed record otherwise, and nacked. */
  admits(batch: Batch): boolean {
    if (!this.hasBegun) return true;
    batch.nack(this.reason);
    return false;
  }

  /** Without messages that were settled in the pipeline, or whose whole was. */
  unsettled(batch: Batch): Batch {
    if (!this.hasBegun) return batch;
    return new Batch(batch.messages.filter((message) => !(message.source ?? message).isSettled));
  }
}
