import { didYouMean } from '../config/problem/suggest.ts';
import { exampleRun, exampleYaml } from '../config/reference/example-text.ts';
import { configJsonSchema, toJsonSchema } from '../config/reference/json-schema.ts';
import { configRows, type Row, rowsOf, type Schema, valuesOf } from '../config/reference/setting-rows.ts';
import { TidegateError } from '../core/errors.ts';
import type { ComponentSpec, Kind } from '../sdk/define.ts';
import { titledExample } from '../sdk/example.ts';
import type { Registry } from '../sdk/registry.ts';
import { registryFor } from './list.ts';
import { plainText, wrapped } from './terminal-text.ts';

const KINDS: readonly Kind[] = ['source', 'processor', 'operator', 'sink', 'codec'];

export interface ShowOptions {
  /** A configuration whose plugins may be shown, too. */
  readonly config?: string;
}

/**
 * Prints what a component does and takes, or the settings of a section such as `pipelines.batch`: all that have the name.
 * Resolves with the exit code. Throws TG_CONFIG_INVALID where nothing has it.
 */
export async function show(name: string, { config }: ShowOptions): Promise<number> {
  const registry = await registryFor(config);
  const components = componentsOf(registry);
  const blocks = components.filter((spec) => spec.name === name).map(describeComponent);
  const sections = configRows(configJsonSchema(registry) as Schema).flatMap(({ rows }) => [...rows]);
  const settings = sections.filter(([path]) => isWithin(plainText(path), name));
  if (settings.length > 0) blocks.push([`settings ${name}`, ...rowLines(settings)].join('\n'));
  if (blocks.length === 0) throw unknown(name, components, sections);
  console.log(blocks.join('\n\n'));
  return 0;
}

function componentsOf(registry: Registry): ComponentSpec[] {
  return KINDS.flatMap<ComponentSpec>((kind) => registry.all(kind));
}

/** `pipelines.NAME.batch.count` is within `pipelines.batch` and `pipelines.NAME.batch`. */
function isWithin(path: string, wanted: string): boolean {
  return [path, withoutNames(path)].some((one) => one === wanted || one.startsWith(`${wanted}.`));
}

function withoutNames(path: string): string {
  return path
    .split('.')
    .filter((part) => part !== 'NAME')
    .join('.');
}

function unknown(name: string, components: readonly ComponentSpec[], rows: readonly Row[]): TidegateError {
  const known = [
    ...components.map((component) => component.name),
    ...rows.map(([path]) => withoutNames(plainText(path))),
  ];
  const more = '`tidegate list` prints the components; settings are called by their path, such as pipelines.batch';
  return new TidegateError(
    'TG_CONFIG_INVALID',
    `there is no component and no setting "${name}"${didYouMean(name, known)} (${more})`,
  );
}

function describeComponent(spec: ComponentSpec): string {
  const { kind, name, summary, description, failures = [], examples } = spec;
  const lines = [`${kind} ${name}`, ...wrapped(plainText(summary), '  ')];
  if (description !== undefined) lines.push('', ...wrapped(plainText(description), '  '));
  lines.push('', ...settingsOf(spec));
  if (failures.length > 0)
    lines.push('', 'A message fails:', ...failures.flatMap((failure) => bullet(plainText(failure))));
  for (const example of examples) lines.push('', ...exampleLines(name, example));
  return lines.join('\n');
}

function settingsOf({ config }: ComponentSpec): string[] {
  const schema = toJsonSchema(config) as Schema;
  if (schema.type !== 'object') return [`Its setting is ${plainText(valuesOf(schema))}.`];
  const rows = Object.keys(schema.properties ?? {}).length === 0 ? [] : rowsOf(schema, '');
  return rows.length === 0 ? ['It has no settings.'] : ['Settings:', ...rowLines(rows)];
}

function rowLines(rows: readonly Row[]): string[] {
  return rows.flatMap(([name, values, fallback, description]) => {
    const given = fallback === '' ? [] : [fallback === 'required' ? fallback : `default ${plainText(fallback)}`];
    return [
      `  ${plainText(name)}  (${[plainText(values), ...given].join('; ')})`,
      ...(description === '' ? [] : wrapped(plainText(description), '      ')),
    ];
  });
}

function bullet(text: string): string[] {
  return wrapped(text, '    ').map((line, at) => (at === 0 ? `  - ${line.slice(4)}` : line));
}

function exampleLines(name: string, example: unknown): string[] {
  const titled = titledExample<unknown>(example);
  const config = titled === undefined ? example : titled.config;
  const yaml = exampleYaml(name, config).trimEnd().split('\n');
  const lines = [`Example${titled === undefined ? '' : `: ${plainText(titled.title)}`}`, ...indented(yaml)];
  if (titled?.input === undefined || titled.output === undefined) return lines;
  return [...lines, ...indented(exampleRun(titled.input, titled.output))];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
