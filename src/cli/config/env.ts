import { readSource } from '../../config/config-source.ts';
import { ConfigError, formatPath, registryOf } from '../../config/index.ts';
import { configJsonSchema } from '../../config/reference/json-schema.ts';
import { isOutside, printable, secretPlaces } from '../../config/secret-places.ts';
import { HIDDEN, isSecretName } from '../../core/secrets.ts';
import { columns } from '../terminal-text.ts';

interface Variable {
  readonly name: string;
  /** As it is written; left out where there is none, and the variable has to be set. */
  readonly default?: string;
  readonly isSet: boolean;
  readonly value?: string;
  readonly settings: readonly string[];
}

export interface EnvOptions {
  readonly json?: boolean;
}

/** Prints the variables that a file reads. Resolves with the exit code; rejects with ConfigError where it is not YAML. */
export async function printVariables(file: string, { json }: EnvOptions): Promise<number> {
  const variables = await variablesOf(file, process.env);
  if (json === true) console.log(JSON.stringify(variables, null, 2));
  else if (variables.length === 0) console.log(`${file} reads no variables`);
  else console.log(columns([['variable', 'default', 'value', 'settings'], ...variables.map(rowOf)], '').join('\n'));
  return 0;
}

async function variablesOf(file: string, env: NodeJS.ProcessEnv): Promise<Variable[]> {
  const read = await readSource(file, env);
  const { source } = read;
  if (source.value === undefined) throw new ConfigError(source.positions.problems(source.findings));
  const isSecret = secretPlaces(configJsonSchema(await registryOf(read)), source);
  const names = [...new Set(source.variables.map(({ name }) => name))].filter((name) => !isOutside(name));
  return names.map((name) => {
    const uses = source.variables.filter((variable) => variable.name === name);
    const isHidden = isSecretName(name) || uses.some(({ path }) => isSecret(path));
    const shown = (text: string) => (isHidden && text !== '' ? HIDDEN : String(printable(text)));
    const fallback = uses.find((use) => use.fallback !== undefined)?.fallback;
    const value = env[name] ?? '';
    return {
      name,
      ...(fallback === undefined ? {} : { default: shown(fallback) }),
      isSet: value !== '',
      ...(value === '' ? {} : { value: shown(value) }),
      settings: [...new Set(uses.map(({ path }) => formatPath(path)))],
    };
  });
}

function rowOf({ name, default: fallback, value, settings }: Variable): string[] {
  const given = fallback === undefined ? 'required' : fallback === '' ? '(empty)' : fallback;
  return [name, given, value ?? '(not set)', settings.join(', ')];
}
