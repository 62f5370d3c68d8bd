import { hostname } from 'node:os';
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { awakeClock } from '../core/clock.ts';
import { isWithin } from '../core/waiting.ts';
import type { Logger } from './logger.ts';
import { SampledTracing } from './sampled-tracing.ts';
import type { TelemetryOptions, TracingOptions } from './start-options.ts';
import type { Tracing } from './tracing.ts';
import { WatchedExporter } from './watched-exporter.ts';

/** A collector that takes longer counts as away: its spans are dropped, the gateway goes on. */
const EXPORT_TIMEOUT = 1_500;
const PAUSE_AFTER_FAILURE = 10_000;
const STOP_TIMEOUT = 1_800;
const EXPORT_INTERVAL = 1_000;
const QUEUE_SPANS = 8_192;

export interface StartedTracing {
  readonly tracing: Tracing;
  stop(): Promise<void>;
}

/** Starts OpenTelemetry's NodeSDK with one exporter, and no instrumentation of other modules. */
export function startTracing(options: TelemetryOptions): StartedTracing {
  const { service, stats, clock } = options;
  const logger = options.logger.child({ scope: 'tracing' });
  const { endpoint } = options.tracing;
  const exporter = new WatchedExporter({
    create: () => createExporter(options.tracing),
    endpoint,
    timeout: EXPORT_TIMEOUT,
    pause: PAUSE_AFTER_FAILURE,
    logger,
    clock,
  });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': service.name,
      'service.version': service.version,
      'service.instance.id': service.instance,
      // The id is new at each start; these are how people know a gateway. In Kubernetes the host is the pod.
      'host.name': hostname(),
      'process.pid': process.pid,
    }),
    autoDetectResources: false,
    // What is recorded is decided before a span is asked for.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: QUEUE_SPANS,
        scheduledDelayMillis: EXPORT_INTERVAL,
      }),
    ],
    // Left out, these would come from the environment, and the logs' exporter would send to localhost by default.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    textMapPropagator: null,
  });
  diag.setLogger(quietDiagnostics(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  const tracer = trace.getTracer('tidegate', service.version);
  return {
    tracing: new SampledTracing(tracer, options.tracing, stats, clock),
    stop: () => stop(sdk, logger),
  };
}

function createExporter({ exporter, endpoint }: TracingOptions): SpanExporter {
  switch (exporter) {
    case 'jaeger':
      return new JaegerExporter({ endpoint: withPath(endpoint, '/api/traces'), flushTimeout: EXPORT_TIMEOUT });
    case 'otlp':
      return new OTLPTraceExporter({ url: withPath(endpoint, '/v1/traces'), timeoutMillis: EXPORT_TIMEOUT });
    default:
      return new ConsoleSpanExporter();
  }
}

/** The collector's usual path where the address has none. */
function withPath(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = path;
  return url.href;
}

/** A collector that does not answer must not hold up the process. */
async function stop(sdk: NodeSDK, logger: Logger): Promise<void> {
  try {
    if (!(await isWithin(awakeClock, STOP_TIMEOUT, sdk.shutdown())))
      logger.debug({}, `the last spans did not arrive within ${STOP_TIMEOUT} ms`);
  } catch (error) {
    logger.debug({ error }, 'the last spans did not arrive');
  } finally {
    trace.disable();
    context.disable();
    propagation.disable();
    diag.disable();
  }
}

/** What the SDK says about itself repeats with every batch; the exporter's state is logged once, by WatchedExporter. */
function quietDiagnostics(logger: Logger) {
  const say = (message: string) => logger.debug({}, `OpenTelemetry: ${message}`);
  return { error: say, warn: say, info: say, debug: say, verbose: say };
}
