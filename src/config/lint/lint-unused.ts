import { filledWith } from '../../sdk/expression.ts';
import { allSinksOf, endsOf } from '../pipelines/ends.ts';
import { topicsIn, usesOfEndpoints } from '../pipelines/pipeline-uses.ts';
import { doubting, type Finding } from '../problem/problem.ts';
import type { ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { componentsIn } from '../schema/step-schema.ts';

/** Entries that the rest of the file has no use for. They do no harm, but mostly something was forgotten or misspelled. */
export function lintUnused(config: ParsedConfig): Finding[] {
  return [...unusedTopics(config), ...unfedEndpoints(config), ...unusedAuth(config)];
}

/** Connectors are added while the gateway runs, and may write to any topic. */
function unusedTopics(config: ParsedConfig): Finding[] {
  if (config.connect !== undefined) return [];
  const names = new Set<string>();
  const patterns: { test(topic: string): boolean }[] = [];
  for (const pipeline of Object.values(config.pipelines)) {
    for (const topic of topicsOf(pipeline)) names.add(topic);
    patterns.push(...patternsOf(pipeline));
  }
  for (const { presence, channels, codec, allow } of Object.values(config.endpoints)) {
    if (presence !== undefined) names.add(presence.topic);
    if (channels?.presence !== undefined) names.add(channels.presence.topic);
    if (codec.spec.servesTopics !== true || allow === undefined) continue;
    for (const { text } of [...allow.create, ...allow.read, ...allow.write]) patterns.push(globOf(text));
  }
  const message =
    'nothing in this file reads or writes this topic; leave it out, or name it where it is meant to be used';
  return Object.keys(config.log.topics)
    .filter((topic) => !names.has(topic) && !patterns.some((pattern) => pattern.test(topic)))
    .map((topic) => doubting(['log', 'topics', topic], message));
}

function topicsOf(pipeline: PipelineConfig): string[] {
  const { dead_letter: deadLetter } = pipeline.on_error;
  const components = [...endsOf(pipeline), ...componentsIn(pipeline.processors, [])];
  const named = components.flatMap(({ chosen }) => topicsIn(chosen));
  return deadLetter === undefined ? named : [...named, deadLetter];
}

/** Topics without a name in the file: sources have patterns, and sinks names that come from messages. */
function patternsOf(pipeline: PipelineConfig): { test(topic: string): boolean }[] {
  const read = endsOf(pipeline).flatMap(({ chosen: { spec, config } }) =>
    spec.kind === 'source' ? (spec.patterns?.(config) ?? []) : [],
  );
  const written = allSinksOf(pipeline).flatMap(({ chosen: { spec, config } }) => {
    const { name } = config as { readonly name?: { readonly text?: string } };
    return spec.name === 'topic' && name?.text?.includes('${!') ? [globOf(name.text)] : [];
  });
  return [...read, ...written];
}

/** A name with `*` or expressions in it, each of which may become any text. */
function globOf(text: string): RegExp {
  const parts = filledWith(text, '*').split('*');
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
}

/** Clients that send may do with answers alone; those that only receive, or know each other, wait for records. */
function unfedEndpoints(config: ParsedConfig): Finding[] {
  const usesOf = usesOfEndpoints(config);
  return Object.entries(config.endpoints).flatMap(([name, { codec, direction }]) => {
    if (codec.spec.servesTopics === true || usesOf(name).some(({ end }) => end === 'sink')) return [];
    const sink = `sink: { endpoint: ${name} }`;
    if (direction === 'out')
      return doubting(
        ['endpoints', name],
        `its clients only receive, and no pipeline brings them records; add one with ${sink}`,
      );
    if (codec.spec.hasMembers === true)
      return doubting(
        ['endpoints', name],
        `no pipeline brings its clients what the others say; add one that reads the topic of the room, with ${sink}`,
      );
    return [];
  });
}

function unusedAuth({ auth, endpoints, admin, connect }: ParsedConfig): Finding[] {
  const used = new Set([...Object.values(endpoints).map((endpoint) => endpoint.auth), admin.auth, connect?.auth]);
  const message = 'no endpoint and no port uses this entry; name it in auth of an endpoint, of admin or of connect';
  return Object.keys(auth)
    .filter((name) => !used.has(name))
    .map((name) => doubting(['auth', name], message));
}
