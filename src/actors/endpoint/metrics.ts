import type { Rejection } from '../../core/errors.ts';
import type { Outcome } from '../../core/message.ts';
import type { Counter, HistogramRecorder, Stats } from '../../telemetry/stats.ts';
import { CLOSE_CODES } from '../../transports/websocket/close-codes.ts';
import { roundTrip } from './pings.ts';

const OUR_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE_CODES).map(({ code }) => code));
/** Labels of closes that come with every endpoint: ours, and what clients say, or fail to say, when they go. */
const CLOSES = [...OUR_CODES, 1000, 1001, 1005, 1006].map(String);
const DROPS = ['slow', 'superseded', 'closed'] as const;
const RENEWALS = ['accepted', 'refused', 'unchecked', 'forbidden'] as const;
/** Limits of one client that it was slowed or closed for. */
const LIMITS = [
  ...(['messages', 'bytes', 'identity_messages', 'identity_bytes'] as const),
  ...(['slow_consumer', 'stall_timeout', 'frame_timeout', 'ping_timeout', 'memory'] as const),
];

/** The metrics that an endpoint's connections add to, looked up once where they are added to often. */
export class EndpointMetrics {
  readonly opened: Counter;
  readonly framesReceived: Counter;
  readonly bytesReceived: Counter;
  readonly framesSent: Counter;
  readonly bytesSent: Counter;
  readonly unanswered: Counter;
  private readonly done: Readonly<Record<Outcome, Counter>>;
  private readonly answeredError: Counter;
  private readonly answeredRetryable: Counter;
  readonly delivery: HistogramRecorder;
  private readonly ping: HistogramRecorder;
  private readonly stats: Stats;
  private readonly endpoint: string;

  constructor(
    stats: Stats,
    endpoint: string,
    read: { connections: () => number; paused: () => number; queued: () => number },
  ) {
    const labels = { endpoint };
    this.stats = stats;
    this.endpoint = endpoint;
    stats.gauge('tidegate_connections', labels, read.connections);
    stats.gauge('tidegate_sockets_paused', labels, read.paused);
    stats.gauge('tidegate_send_queue_bytes', labels, read.queued);
    this.opened = stats.counter('tidegate_connections_opened_total', labels);
    this.framesReceived = stats.counter('tidegate_frames_received_total', labels);
    this.bytesReceived = stats.counter('tidegate_bytes_received_total', labels);
    this.framesSent = stats.counter('tidegate_frames_sent_total', labels);
    this.bytesSent = stats.counter('tidegate_bytes_sent_total', labels);
    this.done = {
      stored: stats.counter('tidegate_answers_total', { endpoint, result: 'ack' }),
      filtered: stats.counter('tidegate_answers_total', { endpoint, result: 'filtered' }),
      dead_letter: stats.counter('tidegate_answers_total', { endpoint, result: 'dead_letter' }),
    };
    this.answeredError = stats.counter('tidegate_answers_total', { endpoint, result: 'error' });
    this.answeredRetryable = stats.counter('tidegate_answers_total', { endpoint, result: 'retryable' });
    this.unanswered = stats.counter('tidegate_unanswered_total', labels);
    this.delivery = stats.histogram('tidegate_delivery_seconds', labels);
    this.ping = stats.histogram('tidegate_ping_seconds', labels);
    for (const reason of DROPS) stats.counter('tidegate_frames_dropped_total', { endpoint, reason });
    for (const result of RENEWALS) stats.counter('tidegate_token_renewals_total', { endpoint, result });
    for (const reason of LIMITS) stats.counter('tidegate_clients_limited_total', { endpoint, reason });
    for (const code of CLOSES) stats.counter('tidegate_connections_closed_total', { endpoint, code });
  }

  answered(rejection: Rejection | null, outcome: Outcome = 'stored'): void {
    if (rejection === null) this.done[outcome].value += 1;
    else if (rejection.retryable) this.answeredRetryable.value += 1;
    else this.answeredError.value += 1;
  }

  /** A frame that the codec could not take. */
  rejected(reason: string): void {
    this.stats.counter('tidegate_frames_rejected_total', { endpoint: this.endpoint, reason }).value += 1;
  }

  /** Records that a client did not get. */
  dropped(reason: (typeof DROPS)[number], frames: number): void {
    if (frames === 0) return;
    this.stats.counter('tidegate_frames_dropped_total', { endpoint: this.endpoint, reason }).value += frames;
  }

  /** What became of a token that a client sent on its open connection. */
  tokenChecked(result: (typeof RENEWALS)[number]): void {
    this.stats.counter('tidegate_token_renewals_total', { endpoint: this.endpoint, result }).value += 1;
  }

  /** A client was slowed, or is closed, because it is over a limit. */
  limited(reason: (typeof LIMITS)[number]): void {
    this.stats.counter('tidegate_clients_limited_total', { endpoint: this.endpoint, reason }).value += 1;
  }

  closed(code: number): void {
    const labels = { endpoint: this.endpoint, code: labelOf(code) };
    this.stats.counter('tidegate_connections_closed_total', labels).value += 1;
  }

  pong(payload: Buffer): void {
    const seconds = roundTrip(payload);
    if (seconds !== undefined) this.ping.record(seconds);
  }
}

/** Clients close with any code from 3000 on (RFC 6455 7.4.2), and each label is a series that stays. */
function labelOf(code: number): string {
  if (code < 3_000 || OUR_CODES.has(code)) return String(code);
  return code < 4_000 ? '3xxx' : '4xxx';
}
