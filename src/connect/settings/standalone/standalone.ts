import { resolve } from 'node:path';
import { builtinRegistry } from '../../../config/builtins.ts';
import { type LoadedConfig, loadConfig } from '../../../config/load.ts';
import { ConfigError, type Problem } from '../../../config/problem/problem.ts';
import type { FlatConfig } from '../definition.ts';
import { examine } from '../examine.ts';
import { hiddenLeft } from '../mask.ts';
import { plugins } from '../plugins.ts';
import { type ConnectorFile, readConnectorFile, readPropertyFile } from './read-files.ts';
import type { SettingsFile } from './settings-file.ts';
import { workerOf } from './worker.ts';

/** Files as `connect-standalone.sh` of Kafka takes them, by path. */
export interface StandaloneFiles {
  readonly worker: string;
  /** Properties or JSON, each of one connector. */
  readonly connectors: readonly string[];
}

const STATES = ['RUNNING', 'PAUSED', 'STOPPED'] as const;

/** A connector that exists from the start. */
export interface InitialConnector {
  readonly name: string;
  readonly config: FlatConfig;
  readonly state: (typeof STATES)[number];
}

/** Connectors of one gateway alone. */
export interface Standalone {
  /** Directory for their offsets and statuses. */
  readonly directory: string;
  readonly connectors: readonly InitialConnector[];
}

/** `gateway`: further sections of the configuration, such as `admin`. Throws ConfigError with every mistake of all files. */
export async function loadStandalone(
  files: StandaloneFiles,
  gateway: object,
): Promise<LoadedConfig & { readonly standalone: Standalone }> {
  const file = await readPropertyFile(files.worker);
  if (file.problems.length > 0) throw new ConfigError(file.problems);
  const connectors = await Promise.all(files.connectors.map(readConnectorFile));
  const worker = workerOf(file);
  const initial = initialConnectors(connectors, worker.defaults);
  const problems = [file, ...connectors.map((each) => each.file)].flatMap((each): Problem[] =>
    each.problems.toSorted((one, other) => one.line - other.line),
  );
  const mistakes = problems.filter(({ severity }) => severity === 'error');
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const loaded = await loadConfig({ ...gateway, ...worker.settings });
  return {
    ...loaded,
    warnings: [...problems, ...loaded.warnings],
    standalone: { directory: resolve(worker.directory), connectors: initial },
  };
}

function initialConnectors(files: readonly ConnectorFile[], defaults: FlatConfig): InitialConnector[] {
  const registry = builtinRegistry();
  const first = new Map<string, SettingsFile>();
  return files.flatMap(({ file, state: given }) => {
    // A file that could not be read has no settings to check.
    if (file.problems.length > 0) return [];
    const name = file.text('name');
    const state = STATES.find((one) => one === given.toUpperCase());
    if (name === undefined) file.fail('name', 'is missing: the name of the connector');
    if (state === undefined) file.fail('initial_state', `expected one of ${STATES.join(', ')}, got ${given}`);
    const before = first.get(name ?? '');
    if (before !== undefined) file.fail('name', `${before.name} has a connector ${name} as well`);
    if (name !== undefined && before === undefined) first.set(name, file);
    const type = file.text('connector.class');
    const examined = examine(file.settings, { registry, defaults });
    if (type === undefined) file.fail('connector.class', 'is missing: the class of the connector');
    else if (examined === undefined) file.fail('connector.class', noClass(type));
    for (const { definition, errors } of examined?.checked ?? [])
      if (definition.name !== 'name') for (const error of errors) file.fail(definition.name, error);
    for (const key of hiddenLeft(file.settings))
      file.fail(key, 'has [hidden] in it, which is shown in place of a secret; write the secret');
    return name === undefined || state === undefined ? [] : [{ name, config: { ...file.settings, name }, state }];
  });
}

function noClass(type: string): string {
  const all = plugins.flatMap(({ classes }) => classes);
  return `there is no class ${type}; there are ${all.join(', ')}`;
}
