import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HrTime, ValueType } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { emptyResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  MeterProvider,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { metricOf } from './catalog.ts';
import { PROCESS_METRICS, ProcessMetrics } from './process-metrics.ts';
import type { Service } from './start-options.ts';
import type { HistogramPoint, MetricSnapshot, NumberPoint, StatsReader } from './stats.ts';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface Metrics {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  stop(): Promise<void>;
}

/**
 * OpenTelemetry's Prometheus exporter over our own figures. They come in by a MetricProducer, because OpenTelemetry has
 * no observable histogram; nothing is read, kept or counted by it between two scrapes.
 */
export function startMetrics(stats: StatsReader, service: Service, isScraped: boolean): Metrics {
  // The event loop is watched from the start on, but not in a program that opens no admin port.
  const ofProcess = isScraped ? new ProcessMetrics() : undefined;
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    metricProducers: [createProducer(stats, ofProcess)],
  });
  const resource = resourceFromAttributes({
    'service.name': service.name,
    'service.version': service.version,
    'service.instance.id': service.instance,
  });
  // Not registered as the global one: it belongs to this gateway, and a program that embeds it has its own.
  const provider = new MeterProvider({ resource, readers: [exporter] });
  return {
    handler(request, response) {
      exporter.getMetricsRequestHandler(request, response);
      // The exporter leaves out the version, which says that the text is Prometheus's.
      response.setHeader('content-type', CONTENT_TYPE);
    },
    stop: () => {
      ofProcess?.stop();
      return provider.shutdown();
    },
  };
}

function createProducer(stats: StatsReader, ofProcess: ProcessMetrics | undefined): MetricProducer {
  const startTime = hrTimeNow();
  return {
    async collect() {
      const times = { startTime, endTime: hrTimeNow() };
      const metrics = stats.snapshot().map((snapshot) => toMetricData(snapshot, times));
      for (const [name, points] of (await ofProcess?.snapshot()) ?? []) {
        const { kind, help } = PROCESS_METRICS[name];
        metrics.push(numberData(name, help, kind, points, times));
      }
      const scopeMetrics = [{ scope: { name: 'tidegate' }, metrics }];
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}

type Times = Pick<DataPoint<number>, 'startTime' | 'endTime'>;

function toMetricData(snapshot: MetricSnapshot, times: Times): MetricData {
  const { name } = snapshot;
  const { help } = metricOf(name);
  if (snapshot.kind !== 'histogram') return numberData(name, help, snapshot.kind, snapshot.points, times);
  const dataPoints = snapshot.points.map((point) => histogramPoint(point, times));
  return { ...commonData(name, help), dataPointType: DataPointType.HISTOGRAM, dataPoints };
}

function numberData(
  name: string,
  help: string,
  kind: 'counter' | 'gauge',
  points: readonly NumberPoint[],
  times: Times,
): MetricData {
  const dataPoints = points.map((point) => numberPoint(point, times));
  return kind === 'counter'
    ? { ...commonData(name, help), dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...commonData(name, help), dataPointType: DataPointType.GAUGE, dataPoints };
}

function commonData(name: string, description: string) {
  return {
    // The unit is the name's ending.
    descriptor: { name, description, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
}

function numberPoint({ labels, value }: NumberPoint, times: Times) {
  return { ...times, attributes: labels, value };
}

function histogramPoint({ labels, bounds, counts, sum, count }: HistogramPoint, times: Times) {
  const value = { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count };
  return { ...times, attributes: labels, value };
}

function hrTimeNow(): HrTime {
  const now = Date.now();
  return [Math.floor(now / 1_000), (now % 1_000) * 1_000_000];
}
