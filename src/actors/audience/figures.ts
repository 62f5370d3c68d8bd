import type { Stats } from '../../telemetry/stats.ts';

/** The figures that an endpoint's connections add to, looked up once. */
export type EndpointFigures = ReturnType<typeof endpointFigures>;

export function endpointFigures(
  stats: Stats,
  endpoint: string,
  read: { connections: () => number; paused: () => number; queued: () => number },
) {
  const labels = { endpoint };
  stats.gauge('tidegate_connections', labels, read.connections);
  stats.gauge('tidegate_sockets_paused', labels, read.paused);
  stats.gauge('tidegate_send_queue_bytes', labels, read.queued);
  return {
    opened: stats.counter('tidegate_connections_opened_total', labels),
    framesReceived: stats.counter('tidegate_frames_received_total', labels),
    bytesReceived: stats.counter('tidegate_bytes_received_total', labels),
    framesSent: stats.counter('tidegate_frames_sent_total', labels),
    bytesSent: stats.counter('tidegate_bytes_sent_total', labels),
    acked: stats.counter('tidegate_answers_total', { endpoint, result: 'ack' }),
    answeredError: stats.counter('tidegate_answers_total', { endpoint, result: 'error' }),
    answeredRetryable: stats.counter('tidegate_answers_total', { endpoint, result: 'retryable' }),
    unanswered: stats.counter('tidegate_unanswered_total', labels),
    ping: stats.histogram('tidegate_ping_seconds', labels),
  };
}
