import type { Codec } from '../../core/component.ts';
import type { Sharing, SourceSpec } from '../../sdk/define.ts';
import type { Finding, Path } from '../problem/problem.ts';
import type { Chosen } from '../schema/component-schema.ts';
import type { EndpointConfig, ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { type PlacedEnd, sinksOf, sourcesOf } from './ends.ts';
import { referencesOf } from './references.ts';

/** One thing that has to be true of a pipeline. `path`: where it is. */
export type Rule = (pipeline: PipelineConfig, path: Path, config: ParsedConfig) => Finding | undefined;

/** Topics that a component refers to by their names. */
export function topicsIn(chosen: Parameters<typeof referencesOf>[0]): string[] {
  return referencesOf(chosen).flatMap(({ to, name }) => (to === 'topic' ? [name] : []));
}

/** Endpoints that sources or sinks refer to. */
export function endpointsOf(ends: readonly PlacedEnd[]): string[] {
  return ends.flatMap(({ chosen }) =>
    referencesOf(chosen).flatMap(({ to, name }) => (to === 'endpoint' ? [name] : [])),
  );
}

export function sharingOf({ spec, config }: Chosen<SourceSpec>): Sharing {
  return spec.sharing(config);
}

/** Whether a source of the pipeline shares its records in that way. */
export function hasSharing(pipeline: PipelineConfig, sharing: Sharing): boolean {
  return sourcesOf(pipeline).some(({ chosen }) => sharingOf(chosen) === sharing);
}

/** One end of a pipeline at an endpoint. */
export interface EndpointUse {
  readonly pipeline: string;
  readonly path: Path;
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
  for (const [pipeline, settings] of Object.entries(pipelines)) {
    for (const place of sourcesOf(settings, ['pipelines', pipeline]))
      for (const endpoint of endpointsOf([place]))
        add(endpoint, { pipeline, path: place.path, end: 'source', isBroadcast: false });
    const isBroadcast = hasSharing(settings, 'broadcast');
    for (const place of sinksOf(settings, ['pipelines', pipeline]))
      for (const endpoint of endpointsOf([place]))
        add(endpoint, { pipeline, path: place.path, end: 'sink', isBroadcast });
  }
  return (endpoint) => uses.get(endpoint) ?? [];
}

/** Whether its clients wait for the answer to each message. */
export function answers(endpoint: EndpointConfig | undefined): boolean {
  if (endpoint === undefined) return false;
  const { spec, config } = endpoint.codec;
  // A codec is a pure function of its settings (sdk/define.ts), so it needs no context to say whether it answers.
  return (spec.create as (config: unknown) => Codec)(config).answers;
}
