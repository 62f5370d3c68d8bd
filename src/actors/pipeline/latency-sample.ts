import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Message } from '../../core/message.ts';
import type { HistogramRecorder } from '../../telemetry/stats.ts';
import { traceIdOf } from '../../telemetry/trace-id.ts';

/** The time from the sink to the settling, of one message at a time: a measurement of each would cost too much. */
export class LatencySample {
  private readonly histogram: HistogramRecorder;
  private readonly clock: Clock;
  private message: Message | undefined;
  private startedAt = 0;

  constructor(histogram: HistogramRecorder, clock: Clock) {
    this.histogram = histogram;
    this.clock = clock;
  }

  /** Takes the first message of a batch, unless another one is still in flight. */
  begin(batch: Batch): void {
    const [first] = batch.messages;
    if (this.message !== undefined || first === undefined) return;
    this.message = first.source ?? first;
    this.startedAt = this.clock.elapsed();
  }

  settled(message: Message): void {
    if (this.message === undefined || (message.source ?? message) !== this.message) return;
    this.message = undefined;
    this.histogram.record((this.clock.elapsed() - this.startedAt) / 1_000, traceIdOf(message));
  }
}
