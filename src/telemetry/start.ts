import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TelemetryOptions } from './start-options.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

export interface Telemetry {
  readonly tracing: Tracing;
  /** Answers a scrape with all metrics, as Prometheus text or OpenMetrics. */
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Sends what is left, within two seconds. */
  stop(): Promise<void>;
}

/** The SDK is loaded and its process-wide parts are set only where spans are exported. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { startMetrics } = await import('./start-metrics.ts');
  const metrics = startMetrics(options.stats, options.service, options.isScraped ?? true);
  const { exporter, endpoint } = options.tracing;
  if (exporter === 'none' || (endpoint === '' && exporter !== 'console')) {
    return { tracing: NO_TRACING, metrics: metrics.handler, stop: async () => metrics.stop() };
  }
  const { startTracing } = await import('./start-tracing.ts');
  const tracing = startTracing(options);
  return {
    tracing: tracing.tracing,
    metrics: metrics.handler,
    stop: async () => {
      metrics.stop();
      await tracing.stop();
    },
  };
}
