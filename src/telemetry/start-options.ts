import type { Clock } from '../core/clock.ts';
import type { Propagation } from '../core/propagation.ts';
import type { Logger } from './logger.ts';
import type { Stats, StatsReader } from './stats.ts';

export interface TracingOptions {
  readonly exporter: 'jaeger' | 'otlp' | 'console' | 'none';
  /** URL of the collector; empty means off, except for the console. */
  readonly endpoint: string;
  /** Part of the messages without their own `traceparent` that is recorded, from 0 to 1. */
  readonly sample: number;
  readonly maxPerSecond: number;
  /** Whether batches have traces of their own. */
  readonly batches?: boolean;
  /** Whether handshakes are picked by `sample`. */
  readonly handshakes?: boolean;
  /** By which fields handshakes say their trace; W3C where it is left out. */
  readonly propagation?: Propagation;
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
  /** Whether metrics may be scraped: those of the process are kept only then. True where it is left out. */
  readonly isScraped?: boolean;
  readonly logger: Logger;
  readonly clock: Clock;
}
