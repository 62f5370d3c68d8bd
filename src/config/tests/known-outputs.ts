import { sinksOf, sourcesOf } from '../ends.ts';
import { endpointsOf, topicsIn } from '../pipeline-uses.ts';
import { referencesOf } from '../references.ts';
import type { GatewayConfig, PipelineConfig } from '../schema.ts';
import { componentsIn } from '../step-schema.ts';

/** Where messages of a pipeline can go. */
export interface Outputs {
  /** Topics, endpoints and names of other sinks. */
  readonly names: ReadonlySet<string>;
  /** Whether messages name the topics, so that there may be others. */
  readonly isOpen: boolean;
}

/** What a pipeline itself can write to: its sinks, its dead letters, and topics of its operators. */
export function outputsOf(pipeline: PipelineConfig): Outputs {
  const names = new Set<string>();
  let isOpen = false;
  for (const end of sinksOf(pipeline)) {
    const { spec, config } = end.chosen;
    const found = [...topicsIn(end.chosen), ...endpointsOf([end])];
    for (const name of found) names.add(name);
    if (found.length > 0 || spec.reaches === 'process') continue;
    if (spec.openTopics === undefined) names.add(spec.name);
    else if (spec.openTopics(config) > 0) isOpen = true;
  }
  for (const { chosen } of componentsIn(pipeline.processors, []))
    for (const { to, name, isTable } of referencesOf(chosen)) if (to === 'topic' && isTable !== true) names.add(name);
  if (pipeline.on_error.dead_letter !== undefined) names.add(pipeline.on_error.dead_letter);
  return { names, isOpen };
}

/** What can be written because of messages of a pipeline: by it, and by all pipelines that read what it writes. */
export function outputsBehind(name: string, { pipelines }: Pick<GatewayConfig, 'pipelines'>): Outputs {
  const names = new Set<string>();
  let isOpen = false;
  const seen = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const pipeline = pipelines[next];
    if (seen.has(next) || pipeline === undefined) continue;
    seen.add(next);
    const own = outputsOf(pipeline);
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
