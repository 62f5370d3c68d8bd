import { basename } from 'node:path';
import { stringify } from 'yaml';
import { effectiveSettings } from '../../config/effective.ts';
import { builtinRegistry, loadConfig } from '../../config/index.ts';
import { formatPath, type Path } from '../../config/problem/problem.ts';
import { configJsonSchema } from '../../config/reference/json-schema.ts';
import { printable, secretPlaces } from '../../config/secret-places.ts';
import type { Source } from '../../config/yaml/yaml-source.ts';
import { HIDDEN } from '../../core/secrets.ts';
import { LITERAL_MARK } from '../../sdk/literal.ts';

/** Sections that say how the file is made, and are not of a gateway. */
const OF_THE_FILE: ReadonlySet<string> = new Set(['include', 'templates', 'tests']);

interface Printed {
  readonly path: Path;
  readonly value: unknown;
  readonly from: string;
}

export interface EchoOptions {
  readonly json?: boolean;
}

/**
 * Prints what counts when a gateway runs with a file: its settings with variables filled in, and defaults. Resolves with
 * the exit code; rejects with ConfigError where the file has a mistake.
 */
export async function echoConfig(file: string, { json }: EchoOptions): Promise<number> {
  // Its plugins are added to it.
  const registry = builtinRegistry();
  const { config, source } = await loadConfig(file, { production: null, registry });
  const schema = configJsonSchema(registry);
  const isSecret = secretPlaces(schema, source);
  const running = effectiveSettings(schema, source.value).filter(({ path }) => !OF_THE_FILE.has(String(path[0])));
  const settings = running.map(({ path, value, isDefault }): Printed => {
    const from = isDefault ? 'default' : originOf(path, source, process.env);
    if (formatPath(path) === 'log.driver' && value === 'auto')
      return { path, value: config.log.driver, from: `auto, ${from}` };
    return { path, value: isSecret(path) && value !== '' ? HIDDEN : printable(value), from };
  });
  if (json === true)
    console.log(
      JSON.stringify(
        settings.map(({ path, ...rest }) => ({ path: formatPath(path), ...rest })),
        null,
        2,
      ),
    );
  else console.log(linesOf(settings, 0).join('\n'));
  return 0;
}

/** `gateway.yaml:12`, with the variables that it was filled from in front. */
function originOf(path: Path, { positions, variables }: Source, env: NodeJS.ProcessEnv): string {
  const [place] = positions.problems([{ severity: 'note', path, message: '' }]);
  const where = place === undefined || place.line === 0 ? '' : `${basename(place.file)}:${place.line}`;
  const own = variables.filter((variable) => JSON.stringify(variable.path) === JSON.stringify(path));
  const names = own.map(({ name, fallback }) => {
    const word = `\${${name}}`;
    return fallback === undefined || env[name] ? word : `default of ${word}`;
  });
  return [...names, where].filter((part) => part !== '').join(', ');
}

/** YAML of settings that are all within the same one, which `depth` steps lead to. */
function linesOf(settings: readonly Printed[], depth: number): string[] {
  const groups = new Map<string | number, Printed[]>();
  for (const setting of settings) {
    const step = setting.path[depth] ?? '';
    const group = groups.get(step);
    if (group === undefined) groups.set(step, [setting]);
    else group.push(setting);
  }
  return [...groups].flatMap(([step, group]) => {
    const [first] = group;
    const isLeaf = first !== undefined && group.length === 1 && first.path.length === depth + 1;
    if (typeof step === 'number') {
      const lines = isLeaf ? [leaf(first)] : linesOf(group, depth + 1);
      return lines.map((line, at) => `${at === 0 ? '- ' : '  '}${line}`);
    }
    const key = stringify(step).trim();
    return isLeaf ? [`${key}: ${leaf(first)}`] : [`${key}:`, ...linesOf(group, depth + 1).map((line) => `  ${line}`)];
  });
}

function leaf({ value, from }: Printed): string {
  const text = typeof value === 'string' ? scalarOf(escaped(value)) : JSON.stringify(value);
  return `${text}  # ${from}`;
}

function scalarOf(text: string): string {
  return text.includes('\n') ? JSON.stringify(text) : stringify(text, { lineWidth: 0 }).trim();
}

/** `${` that is left is a character of the value, unless an expression begins with it. */
function escaped(text: string): string {
  return text.replaceAll(/\$\{(?!!)/g, () => '$${').replaceAll(`$${LITERAL_MARK}{!`, () => '$${!');
}
