import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import type { Logger } from './logger.ts';
import type { Stats, StatsReader } from './stats.ts';
import { NO_TRACING, type Tracing } from './tracing.ts';

export interface TracingOptions {
  readonly exporter: 'jaeger' | 'otlp' | 'console' | 'none';
  /** URL of the collector; empty means off, except for the console. */
  readonly endpoint: string;
  /** Part of the messages without their own `traceparent` that is recorded, from 0 to 1. */
  readonly sample: number;
  readonly maxPerSecond: number;
}

/** How traces and metrics name this process. */
export interface Service {
  readonly name: string;
  readonly version: string;
  /** Unique among all gateways. */
  readonly instance: string;
}

export interface TelemetryOptions {
  readonly tracing: TracingOptions;
  readonly service: Service;
  readonly stats: Stats & StatsReader;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Telemetry {
  readonly tracing: Tracing;
  /** Answers a scrape with all figures, as Prometheus text. */
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
  /** Sends what is left, within two seconds. */
  stop(): Promise<void>;
}

/** The SDK is loaded and its process-wide parts are set only where spans are exported. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { startMetrics } = await import('./start-metrics.ts');
  const metrics = startMetrics(options.stats, options.service);
  const { exporter, endpoint } = options.tracing;
  if (exporter === 'none' || (endpoint === '' && exporter !== 'console')) {
    return { tracing: NO_TRACING, metrics: metrics.handler, stop: metrics.stop };
  }
  const { startTracing } = await import('./start-tracing.ts');
  const tracing = startTracing(options);
  return {
    tracing: tracing.tracing,
    metrics: metrics.handler,
    stop: async () => {
      await Promise.all([tracing.stop(), metrics.stop()]);
    },
  };
}
