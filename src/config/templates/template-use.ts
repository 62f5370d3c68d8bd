import { type Finding, failing, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import type { SourceText } from '../problem/source-text.ts';
import { didYouMean, listNames } from '../problem/suggest.ts';
import type { Parameter, Template } from '../schema/template-schema.ts';
import type { Argument, Arguments } from '../yaml/parameters.ts';
import type { Body } from '../yaml/template-body.ts';

/** A use of a template, with the values of its parameters filled in: `{ template, with }`. */
export interface TemplateUse {
  readonly name: unknown;
  readonly given: unknown;
  readonly path: Path;
}

/** By name; undefined where one has mistakes, which are reported already. */
export type Templates = ReadonlyMap<string, Template | undefined>;

/** The template that a use names and the values of its parameters, or what is wrong with it. */
export type ReadUse =
  | { readonly name: string; readonly template: Template; readonly given: Arguments }
  | { readonly mistakes: readonly Finding[] };

const USES: Readonly<Record<Body, (name: string) => string>> = {
  pipeline: (name) => `a pipeline; use it as one: pipelines: { NAME: { template: ${name} } }`,
  processors: (name) => `processors; use it as an entry of a list of them: - template: ${name}`,
};

/** `textOf`: in which text a setting is written. */
export function readUse(
  { name, given, path }: TemplateUse,
  body: Body,
  templates: Templates,
  textOf: (path: Path) => SourceText,
): ReadUse {
  const at = [...path, 'template'];
  if (typeof name !== 'string') return { mistakes: [failing(at, 'expected the name of a template')] };
  const template = templates.get(name);
  if (templates.has(name) && template === undefined) return { mistakes: [] };
  if (template === undefined) {
    const names = new Set(templates.keys());
    const there = names.size === 0 ? 'there are no templates' : `there are ${listNames(names)}`;
    return { mistakes: [failing(at, `there is no template "${name}"; ${there}${didYouMean(name, names)}`)] };
  }
  if (template[body] === undefined) {
    const other = body === 'pipeline' ? 'processors' : 'pipeline';
    return { mistakes: [failing(at, `the template ${name} has ${USES[other](name)}`)] };
  }
  const values = given ?? {};
  if (!isRecord(values))
    return { mistakes: [failing([...path, 'with'], 'expected the values of parameters: { NAME: value }')] };
  const mistakes = [...strangers(name, template, values, path), ...missing(name, template, values, path)];
  const filled = new Map<string, Argument>();
  for (const [parameter, rule] of Object.entries(template.parameters)) {
    const isGiven = Object.hasOwn(values, parameter);
    const place = isGiven ? [...path, 'with', parameter] : ['templates', name, 'parameters', parameter, 'default'];
    const value = converted(isGiven ? values[parameter] : rule?.default, rule);
    if (value === undefined && (isGiven || rule?.default !== undefined))
      mistakes.push(failing(place, `expected ${WANTED[rule?.type ?? 'text']} for the parameter ${parameter}`));
    filled.set(parameter, { value, text: textOf(place) });
  }
  return mistakes.length > 0 ? { mistakes } : { name, template, given: filled };
}

function strangers(name: string, { parameters }: Template, values: object, path: Path): Finding[] {
  const known = new Set(Object.keys(parameters));
  const there = known.size === 0 ? 'it has none' : `there ${known.size === 1 ? 'is' : 'are'} ${listNames(known)}`;
  return Object.keys(values)
    .filter((key) => !known.has(key))
    .map((key) =>
      failing(
        [...path, 'with', key],
        `the template ${name} has no parameter "${key}"; ${there}${didYouMean(key, known)}`,
        {
          at: 'key',
        },
      ),
    );
}

function missing(name: string, { parameters }: Template, values: object, path: Path): Finding[] {
  const open = Object.entries(parameters)
    .filter(([parameter, rule]) => rule?.default === undefined && !Object.hasOwn(values, parameter))
    .map(([parameter]) => parameter);
  if (open.length === 0) return [];
  const such = open.map((parameter) => `${parameter}: ...`).join(', ');
  return [failing([...path, 'template'], `the template ${name} needs with: { ${such} }`)];
}

const WANTED: Readonly<Record<Parameter['type'], string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  any: 'a value',
};

/** A value as the type of its parameter; what comes from a variable is text. Undefined where it is of another type. */
function converted(value: unknown, rule: Parameter | null | undefined): unknown {
  switch (rule?.type ?? 'text') {
    case 'text':
      return typeof value === 'object' || value === undefined ? undefined : String(value);
    case 'number':
      if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
      return typeof value === 'number' ? value : undefined;
    case 'boolean':
      if (value === 'true' || value === 'false') return value === 'true';
      return typeof value === 'boolean' ? value : undefined;
    default:
      return value ?? undefined;
  }
}
