import { Fifo } from '../../core/fifo.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';

/** Replies that may wait. A server that sends more pings than it reads answers, or than `send_rate` allows, gets the newest. */
const MAX_REPLIES = 16;

/** Answers to pings of the server that wait to be sent. Their number is bounded, so that a storm of pings costs no memory. */
export class Echoes {
  private readonly metrics: Pick<RemoteMetrics, 'unanswered'>;
  private readonly replies = new Fifo<string>();
  private lastPing: Buffer | undefined;

  constructor(metrics: Pick<RemoteMetrics, 'unanswered'>) {
    this.metrics = metrics;
  }

  get isWaiting(): boolean {
    return this.lastPing !== undefined || this.replies.length > 0;
  }

  pong(payload: Buffer): void {
    if (this.lastPing !== undefined) this.metrics.unanswered.value += 1;
    this.lastPing = payload;
  }

  reply(text: string): void {
    if (this.replies.length >= MAX_REPLIES) {
      this.replies.shift();
      this.metrics.unanswered.value += 1;
    }
    this.replies.push(text);
  }

  /** The payload of a pong, or the text of a reply. */
  next(): Buffer | string | undefined {
    const { lastPing } = this;
    if (lastPing === undefined) return this.replies.shift();
    this.lastPing = undefined;
    return lastPing;
  }
}
