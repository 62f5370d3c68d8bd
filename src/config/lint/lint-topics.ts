import { InternalTopics } from '../../core/internal-topics.ts';
import type { TopicPattern } from '../../sdk/context.ts';
import { type Expression, filledWith } from '../../sdk/expression.ts';
import { allSinksOf, type PlacedEnd, sourcesOf } from '../pipelines/ends.ts';
import { referencesOf } from '../pipelines/references.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import { topicNameMistake } from '../schema/log-schema.ts';
import type { ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { componentsIn } from '../schema/step-schema.ts';

const INTERNAL = new InternalTopics();

/** Topics that pipelines may not write to, or had better not. */
export function lintTopics({ pipelines }: ParsedConfig): Finding[] {
  return Object.entries(pipelines).flatMap(([name, pipeline]) => {
    const path = ['pipelines', name];
    const patterns = sourcesOf(pipeline).flatMap(({ chosen }) => chosen.spec.patterns?.(chosen.config) ?? []);
    return [
      ...writtenTopics(pipeline, path).flatMap(({ topic, path: at }) => internal(topic, topic, at)),
      ...allSinksOf(pipeline, path).flatMap((sink) => nameFromMessages(sink, patterns)),
    ];
  });
}

/** Topics that are written to and have a name in the file. */
function writtenTopics(pipeline: PipelineConfig, path: Path): { readonly topic: string; readonly path: Path }[] {
  const { dead_letter: deadLetter } = pipeline.on_error;
  const components = [...allSinksOf(pipeline, path), ...componentsIn(pipeline.processors, [...path, 'processors'])];
  const named = components.flatMap(({ chosen, path: at }) =>
    referencesOf(chosen).flatMap(({ to, name, isTable, path: inner }) =>
      to === 'topic' && isTable !== true ? [{ topic: name, path: [...at, chosen.spec.name, ...inner] }] : [],
    ),
  );
  return deadLetter === undefined
    ? named
    : [...named, { topic: deadLetter, path: [...path, 'on_error', 'dead_letter'] }];
}

/** A name with `${! }` in it: the text around the expressions is in all topics that it can give. */
function nameFromMessages({ chosen: { spec, config }, path }: PlacedEnd, patterns: readonly TopicPattern[]): Finding[] {
  const { name } = config as { readonly name?: Expression };
  if (spec.name !== 'topic' || name?.text.includes('${!') !== true) return [];
  const at = [...path, spec.name, 'name'];
  const example = filledWith(name.text, 'x');
  const mistake = topicNameMistake(example);
  if (mistake !== undefined) return [failing(at, `"${name.text}": ${mistake}`)];
  const pattern = patterns.find((one) => one.test(example));
  return [
    ...internal(name.text, example, at),
    ...(pattern === undefined
      ? []
      : [
          doubting(
            at,
            `"${name.text}" gives names that the pattern "${pattern}" of the source matches, so records that are written there may be read again, without end; give these topics other names`,
          ),
        ]),
  ];
}

function internal(shown: string, topic: string, path: Path): Finding[] {
  if (!INTERNAL.has(topic)) return [];
  const why = 'topics that begin with __ or _tidegate are those of brokers and gateways themselves, and nothing else';
  return [failing(path, `"${shown}": ${why} is written to them; choose another name`)];
}
