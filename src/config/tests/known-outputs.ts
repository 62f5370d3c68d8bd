import { endsOf, sinksOf, sourcesOf } from '../pipelines/ends.ts';
import { endpointsOf, topicsIn } from '../pipelines/pipeline-uses.ts';
import { referencesOf } from '../pipelines/references.ts';
import type { GatewayConfig, PipelineConfig } from '../schema/schema.ts';
import { componentsIn } from '../schema/step-schema.ts';

/** Where messages of a pipeline can go. */
export interface Outputs {
  /** Topics, endpoints and names of other sinks. */
  readonly names: ReadonlySet<string>;
  /** Whether messages name the topics, so that there may be others. */
  readonly isOpen: boolean;
}

/** What decides about the names of outputs. */
type NamingConfig = Pick<GatewayConfig, 'pipelines' | 'log'>;

/** Topics that the file names. */
export function topicsNamed({ log, pipelines }: NamingConfig): ReadonlySet<string> {
  const names = new Set(Object.keys(log.topics));
  for (const pipeline of Object.values(pipelines)) {
    const components = [...endsOf(pipeline), ...componentsIn(pipeline.processors, [])];
    for (const { chosen } of components) for (const topic of topicsIn(chosen)) names.add(topic);
    if (pipeline.on_error.dead_letter !== undefined) names.add(pipeline.on_error.dead_letter);
  }
  return names;
}

/** What the output of an endpoint is called: as the endpoint, or `endpoints.NAME` if a topic of the file has its name, too. */
export function endpointOutput(endpoint: string, config: NamingConfig): string {
  return topicsNamed(config).has(endpoint) ? `endpoints.${endpoint}` : endpoint;
}

/** What a pipeline itself can write to: its sinks, its dead letters, and topics of its operators. */
export function outputsOf(pipeline: PipelineConfig, config: NamingConfig): Outputs {
  const names = new Set<string>();
  let isOpen = false;
  for (const end of sinksOf(pipeline)) {
    const { spec, config: settings } = end.chosen;
    const endpoints = endpointsOf([end]).map((name) => endpointOutput(name, config));
    const found = [...topicsIn(end.chosen), ...endpoints];
    for (const name of found) names.add(name);
    if (found.length > 0 || spec.reaches === 'process') continue;
    if (spec.openTopics === undefined) names.add(spec.name);
    else if (spec.openTopics(settings) > 0) isOpen = true;
  }
  for (const { chosen } of componentsIn(pipeline.processors, []))
    for (const { to, name, isTable } of referencesOf(chosen)) if (to === 'topic' && isTable !== true) names.add(name);
  if (pipeline.on_error.dead_letter !== undefined) names.add(pipeline.on_error.dead_letter);
  return { names, isOpen };
}

/** What can be written because of messages of a pipeline: by it, and by all pipelines that read what it writes. */
export function outputsBehind(name: string, config: NamingConfig): Outputs {
  const { pipelines } = config;
  const names = new Set<string>();
  let isOpen = false;
  const seen = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const pipeline = pipelines[next];
    if (seen.has(next) || pipeline === undefined) continue;
    seen.add(next);
    const own = outputsOf(pipeline, config);
    for (const output of own.names) names.add(output);
    isOpen ||= own.isOpen;
    for (const [other, settings] of Object.entries(pipelines)) if (readsAny(settings, own)) waiting.push(other);
  }
  return { names, isOpen };
}

function readsAny(pipeline: PipelineConfig, { names, isOpen }: Outputs): boolean {
  return sourcesOf(pipeline).some(({ chosen }) => {
    const hasPatterns = (chosen.spec.patterns?.(chosen.config) ?? []).length > 0;
    const read = topicsIn(chosen);
    return hasPatterns || read.some((topic) => names.has(topic)) || (isOpen && read.length > 0);
  });
}

/** Topics that the source of a pipeline names, and whether it reads others by patterns; undefined: it reads none. */
export function topicsRead(
  pipeline: PipelineConfig,
): { readonly topics: readonly string[]; readonly hasPatterns: boolean } | undefined {
  const sources = sourcesOf(pipeline);
  const topics = sources.flatMap(({ chosen }) => topicsIn(chosen));
  const hasPatterns = sources.some(({ chosen }) => (chosen.spec.patterns?.(chosen.config) ?? []).length > 0);
  return topics.length === 0 && !hasPatterns ? undefined : { topics, hasPatterns };
}
