import { Subject, type Subscription } from 'rxjs';
import type { BackoffOptions } from '../core/backoff.ts';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink } from '../core/component.ts';
import type { GateLimits } from '../core/credit-gate.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { pauseBefore } from '../core/retrying.ts';
import type { BatchLimits } from './batching.ts';
import { buildFlow, type Stage } from './flow.ts';
import { InFlightMessages, type InFlightObserver } from './in-flight.ts';
import { ProcessorSet } from './processor-set.ts';

export interface RerunParts {
  /** Of its own, processors alone: no operator. */
  readonly stages: readonly Stage[];
  readonly sink: Sink;
  readonly batch: BatchLimits;
  readonly inFlight: GateLimits;
  readonly retries: number;
  readonly backoff: BackoffOptions;
  readonly clock: Clock;
  /** Called when it is closed. */
  readonly closed: () => void;
}

/** Who hands records to it. */
export interface RerunHost {
  /** So much is in flight that no more should come; or it may again. */
  held(isHeld: boolean): void;
  /** All that was handed to it is settled. */
  settled(): void;
  /** It could not process a record now; the pipeline itself may have. */
  missed(record: Message): void;
  /** It can process nothing any more. */
  failed(error: unknown): void;
}

const NO_HOST: RerunHost = { held: () => {}, settled: () => {}, missed: () => {}, failed: () => {} };

/**
 * The flow of a pipeline once more, for records that are read again: the same steps in the same order, with processors of its own.
 * Nothing is counted, traced or dead-lettered a second time: a record that fails for good is gone, as it was for the pipeline itself.
 */
export class Rerun implements InFlightObserver {
  private readonly parts: RerunParts;
  private readonly processors: ProcessorSet;
  private readonly inFlight: InFlightMessages;
  private readonly source = new Subject<Batch>();
  private readonly flush = new Subject<void>();
  private readonly opened = new Subject<void>();
  private readonly subscription: Subscription;
  private host = NO_HOST;

  constructor(parts: RerunParts) {
    this.parts = parts;
    this.processors = new ProcessorSet(parts.stages);
    this.inFlight = new InFlightMessages(parts.inFlight, () => false, this);
    this.subscription = this.flow().subscribe({
      next: (batch) => parts.sink.write(batch),
      error: (error: unknown) => this.host.failed(error),
    });
  }

  /** For the next records; before `open`. */
  serve(host: RerunHost): void {
    this.host = host;
  }

  /** No records are handed to it for now. */
  rest(): void {
    this.host = NO_HOST;
  }

  /** Rejects with the error of a processor that cannot be opened, and can be called again. */
  async open(): Promise<void> {
    await this.processors.open();
    await this.parts.sink.open();
  }

  take(batch: Batch): void {
    this.source.next(batch);
  }

  get isSettled(): boolean {
    return this.inFlight.size === 0;
  }

  /** What is in flight ends here. Never rejects. */
  async close(): Promise<void> {
    this.rest();
    this.subscription.unsubscribe();
    this.inFlight.nackAll(new TidegateError('TG_STOPPING', 'records are no longer read again'));
    this.parts.closed();
    await Promise.allSettled([this.processors.close(), this.parts.sink.close()]);
  }

  // --- from the messages in flight

  gateChanged(isOpen: boolean): void {
    if (!isOpen) this.flush.next();
    this.host.held(!isOpen);
    if (isOpen) this.opened.next();
  }

  messageSettled(message: Message, failure: TidegateError | null): void {
    if (failure !== null && isPassing(failure)) this.host.missed(message);
  }

  emptied(): void {
    this.host.settled();
  }

  private flow() {
    const { stages, sink, batch, retries, backoff, clock } = this.parts;
    return buildFlow(this.source, {
      inFlight: this.inFlight,
      batch,
      stages,
      sink,
      flush$: this.flush,
      opened$: this.opened,
      clock,
      processing: {
        retries,
        pause: (attempt) => pauseBefore(attempt, backoff, clock),
        retried: () => {},
        filtered: () => {},
        skipped: () => {},
        trace: () => () => {},
      },
    });
  }
}

/** Whether another try could have gone well, also where all of them are over. */
function isPassing({ code, retryable, cause }: TidegateError): boolean {
  if (retryable || code === 'TG_PROCESSOR_TIMEOUT') return true;
  return cause instanceof TidegateError && cause.retryable;
}
