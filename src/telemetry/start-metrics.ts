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
export function startMetrics(stats: StatsReader, service: Service): Metrics {
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    metricProducers: [createProducer(stats)],
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
    stop: () => provider.shutdown(),
  };
}

function createProducer(stats: StatsReader): MetricProducer {
  const startTime = hrTimeNow();
  return {
    async collect() {
      const times = { startTime, endTime: hrTimeNow() };
      const metrics = stats.snapshot().map((snapshot) => toMetricData(snapshot, times));
      const scopeMetrics = [{ scope: { name: 'tidegate' }, metrics }];
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}

type Times = Pick<DataPoint<number>, 'startTime' | 'endTime'>;

function toMetricData(snapshot: MetricSnapshot, times: Times): MetricData {
  const common = {
    descriptor: {
      name: snapshot.name,
      description: metricOf(snapshot.name).help,
      // The unit is the name's ending.
      unit: '',
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (snapshot.kind) {
    case 'counter': {
      const dataPoints = snapshot.points.map((point) => numberPoint(point, times));
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    }
    case 'gauge': {
      const dataPoints = snapshot.points.map((point) => numberPoint(point, times));
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    }
    case 'histogram': {
      const dataPoints = snapshot.points.map((point) => histogramPoint(point, times));
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
  }
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
