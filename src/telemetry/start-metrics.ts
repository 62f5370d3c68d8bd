import type { IncomingMessage, ServerResponse } from 'node:http';
import { metricOf } from './catalog.ts';
import { CONTENT_TYPES, exposition, type MetricFamily } from './exposition.ts';
import { formatFor } from './negotiation.ts';
import { ProcessMetrics } from './process-metrics.ts';
import type { Service } from './start-options.ts';
import type { MetricSnapshot, StatsReader } from './stats.ts';

export interface Metrics {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  stop(): void;
}

/** Answers scrapes with the metrics of the gateway. Nothing is read, kept or counted between two of them. */
export function startMetrics(stats: StatsReader, service: Service, isScraped: boolean): Metrics {
  // The event loop is watched from the start on, but not in a program that opens no admin port.
  const ofProcess = isScraped ? new ProcessMetrics() : undefined;
  // As OpenTelemetry writes the resource that traces have, too.
  const target = {
    service_name: service.name,
    service_version: service.version,
    service_instance_id: service.instance,
  };
  const handler: Metrics['handler'] = async (request, response) => {
    const families = [...stats.snapshot().map(familyOf), ...((await ofProcess?.snapshot()) ?? [])];
    const format = formatFor(request.headers.accept);
    const body = Buffer.from(exposition(format, target, families));
    response.writeHead(200, {
      'content-type': CONTENT_TYPES[format],
      'content-length': body.length,
      vary: 'accept',
    });
    response.end(body);
  };
  return { handler, stop: () => ofProcess?.stop() };
}

function familyOf(snapshot: MetricSnapshot): MetricFamily {
  return { ...snapshot, help: metricOf(snapshot.name).help };
}
