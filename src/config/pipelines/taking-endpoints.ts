import type { ParsedConfig } from '../schema/schema.ts';
import { sourcesOf } from './ends.ts';
import { endpointsOf } from './pipeline-uses.ts';

type Pipelines = ParsedConfig['pipelines'];

/**
 * Pipelines of `wanted` that are to read an endpoint which another one reads in `current`, and not any more, as when a pipeline gets
 * another name: they begin once that one has ended. Both would get each message of its clients, and the first one, when it ends, would
 * pause the endpoint that the second one reads.
 */
export function takingEndpoints(current: Pipelines, wanted: Pipelines): ReadonlySet<string> {
  const left = new Map<string, string>();
  for (const [pipeline, settings] of Object.entries(current)) {
    if (wanted[pipeline] === settings) continue;
    for (const endpoint of endpointsOf(sourcesOf(settings))) left.set(endpoint, pipeline);
  }
  const isTaking = ([pipeline, settings]: [string, Pipelines[string]]) =>
    current[pipeline] !== settings &&
    endpointsOf(sourcesOf(settings)).some((endpoint) => left.has(endpoint) && left.get(endpoint) !== pipeline);
  return new Set(
    Object.entries(wanted)
      .filter(isTaking)
      .map(([pipeline]) => pipeline),
  );
}
