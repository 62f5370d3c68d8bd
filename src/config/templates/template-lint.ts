import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import { didYouMean, listNames } from '../problem/suggest.ts';
import { parametersIn } from '../yaml/parameters.ts';
import { BODIES } from '../yaml/template-body.ts';
import type { Templates } from './template-use.ts';

/** Parameters that a template does not have, and those that it has and never uses. */
export function lintTemplates(templates: Templates): Finding[] {
  return [...templates].flatMap(([name, template]) => {
    if (template === undefined) return [];
    const known = new Set(Object.keys(template.parameters));
    const mentions = BODIES.flatMap((body) => mentionsIn(template[body], ['templates', name, body]));
    const used = new Set(mentions.map(({ parameter }) => parameter));
    const there = known.size === 0 ? 'it has none' : `there ${known.size === 1 ? 'is' : 'are'} ${listNames(known)}`;
    return [
      ...mentions
        .filter(({ parameter }) => !known.has(parameter))
        .map(({ parameter, path }) =>
          failing(path, `the template has no parameter "${parameter}"; ${there}${didYouMean(parameter, known)}`),
        ),
      ...[...known]
        .filter((parameter) => !used.has(parameter))
        .map((parameter) =>
          doubting(
            ['templates', name, 'parameters', parameter],
            `the template never uses it; write \${param.${parameter}} where its value is meant`,
            { at: 'key' },
          ),
        ),
    ];
  });
}

function mentionsIn(value: unknown, path: Path): { readonly parameter: string; readonly path: Path }[] {
  if (typeof value === 'string') return parametersIn(value).map((parameter) => ({ parameter, path }));
  if (Array.isArray(value)) return value.flatMap((item, index) => mentionsIn(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...parametersIn(key).map((parameter) => ({ parameter, path: [...path, key] })),
    ...mentionsIn(inner, [...path, key]),
  ]);
}
