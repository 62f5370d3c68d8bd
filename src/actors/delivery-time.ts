import type { Clock } from '../core/clock.ts';
import type { Message } from '../core/message.ts';
import type { HistogramRecorder } from '../telemetry/stats.ts';
import { traceIdOf } from '../telemetry/trace-id.ts';

/**
 * End-to-end seconds of records: of the oldest one of each write, from its timestamp on. A record that was in the
 * log before a client could take it has waited for the client, which says nothing about the gateway: it does not count.
 */
export class DeliveryTime {
  private readonly histogram: HistogramRecorder;
  private readonly clock: Clock;
  /** Records from before do not count. */
  private since: number;
  private oldest: Message | undefined;
  /** Its timestamp. */
  private at = Number.POSITIVE_INFINITY;

  constructor(histogram: HistogramRecorder, clock: Clock) {
    this.histogram = histogram;
    this.clock = clock;
    this.since = clock.now();
  }

  /** Records that are there by now will not count. */
  begin(): void {
    this.since = this.clock.now();
  }

  /** The record goes out with the next write. */
  add(message: Message): void {
    const { timestamp } = message;
    if (timestamp >= this.at || timestamp < this.since) return;
    this.oldest = message;
    this.at = timestamp;
  }

  /** The added records were given to so many sockets. */
  written(sockets: number): void {
    const now = this.clock.now();
    // A clock that was set back would otherwise leave out what comes until it is there again.
    if (now < this.since) this.since = now;
    if (this.oldest === undefined) return;
    // Clocks of other machines may be ahead.
    if (sockets > 0) this.histogram.record(Math.max(0, now - this.at) / 1_000, traceIdOf(this.oldest));
    this.oldest = undefined;
    this.at = Number.POSITIVE_INFINITY;
  }
}
