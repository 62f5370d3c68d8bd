import { endpointsOf, sharingOf } from './lint-pipelines.ts';
import type { ParsedConfig } from './schema.ts';

/** One end of a pipeline at an endpoint. */
export interface EndpointUse {
  readonly pipeline: string;
  readonly end: 'source' | 'sink';
  /** Whether it brings every record of a topic to all clients. */
  readonly isBroadcast: boolean;
}

/** Which pipelines read or feed each endpoint: found once, so that no rule looks through all pipelines for each of them. */
export function usesOfEndpoints({ pipelines }: ParsedConfig): (endpoint: string) => readonly EndpointUse[] {
  const uses = new Map<string, EndpointUse[]>();
  const add = (endpoint: string, use: EndpointUse) => {
    const others = uses.get(endpoint);
    if (others === undefined) uses.set(endpoint, [use]);
    else others.push(use);
  };
  for (const [pipeline, { source, sink }] of Object.entries(pipelines)) {
    for (const endpoint of endpointsOf(source)) add(endpoint, { pipeline, end: 'source', isBroadcast: false });
    const isBroadcast = sharingOf(source) === 'broadcast';
    for (const endpoint of endpointsOf(sink)) add(endpoint, { pipeline, end: 'sink', isBroadcast });
  }
  return (endpoint) => uses.get(endpoint) ?? [];
}
