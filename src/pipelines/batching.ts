import { Observable, type OperatorFunction } from 'rxjs';
import { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink } from '../core/component.ts';
import type { Message } from '../core/message.ts';

export interface BatchLimits {
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds that a message waits at most for others while the sink is busy. */
  readonly period: number;
}

/**
 * Joins and cuts batches to the limits. A sink that is idle gets what there is at once: waiting would only add
 * latency. `flush$` empties the open batch: a gate that has shut would wait forever for messages it keeps out.
 */
export function batching(
  limits: BatchLimits,
  sink: Pick<Sink, 'idle' | 'idle$'>,
  flush$: Observable<void>,
  clock: Clock,
): OperatorFunction<Batch, Batch> {
  return (batches$) =>
    new Observable<Batch>((subscriber) => {
      const open = new OpenBatch(limits, clock, (batch) => subscriber.next(batch));
      const subscription = batches$.subscribe({
        next: (batch) => {
          open.add(batch);
          if (sink.idle) open.flush();
        },
        error: (error) => subscriber.error(error),
        complete: () => {
          open.flush();
          subscriber.complete();
        },
      });
      subscription.add(sink.idle$.subscribe(() => open.flush()));
      subscription.add(flush$.subscribe(() => open.flush()));
      subscription.add(() => open.forget());
      return subscription;
    });
}

class OpenBatch {
  private readonly limits: BatchLimits;
  private readonly clock: Clock;
  private readonly emit: (batch: Batch) => void;
  private messages: Message[] = [];
  private bytes = 0;
  private cancelTimer: (() => void) | undefined;

  constructor(limits: BatchLimits, clock: Clock, emit: (batch: Batch) => void) {
    this.limits = limits;
    this.clock = clock;
    this.emit = emit;
  }

  add(batch: Batch): void {
    for (const message of batch.messages) {
      const size = message.cost;
      if (this.messages.length > 0 && this.bytes + size > this.limits.bytes) this.flush();
      this.messages.push(message);
      this.bytes += size;
      if (this.messages.length >= this.limits.count) this.flush();
    }
    if (this.messages.length > 0) this.cancelTimer ??= this.clock.after(this.limits.period, () => this.flush());
  }

  flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    if (this.messages.length === 0) return;
    const { messages } = this;
    this.messages = [];
    this.bytes = 0;
    this.emit(new Batch(messages));
  }

  forget(): void {
    this.cancelTimer?.();
    this.messages = [];
  }
}
