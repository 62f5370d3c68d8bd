import { asTidegateError } from '../core/errors.ts';
import { LITERAL_MARK, withoutMarks } from '../sdk/literal.ts';
import { loadPlugin } from '../sdk/plugins.ts';
import type { Registry } from '../sdk/registry.ts';
import { applyS2 } from './apply-s2.ts';
import { builtinRegistry } from './builtins.ts';
import { type ConfigText, type ReadConfig, readSource } from './config-source.ts';
import type { IsSecret } from './difference/changed-settings.ts';
import { resolveDriver } from './driver.ts';
import { lint } from './lint/lint.ts';
import { tracingVariables } from './lint/lint-tracing.ts';
import { type FileVersions, namedFiles } from './named-files.ts';
import { PathSet } from './path-set.ts';
import { checkReferences } from './pipelines/references.ts';
import { type Parsed, parseSettings } from './problem/parse.ts';
import { ConfigError, type Finding, failing, type Problem } from './problem/problem.ts';
import { productionSign } from './production.ts';
import { type GatewayConfig, gatewaySchema, type ParsedConfig } from './schema/schema.ts';
import type { Environment } from './yaml/interpolate.ts';
import type { Source } from './yaml/yaml-source.ts';

export interface LoadOptions {
  /** Components that may be named; ours where it is left out. Plugins are added to it. */
  readonly registry?: Registry;
  /** Variables to fill in; those of the process where it is left out. */
  readonly env?: Environment;
  /** A sign that this is a deployment, where the embedded log is not chosen by itself; null for none, looked for where it is left out. */
  readonly production?: string | null;
  /** Whether secrets that are written into the file are doubts, too. */
  readonly strict?: boolean;
  /** Whether what changes nothing at run time is a doubt, too: names that nothing in the file uses, and deprecated settings. */
  readonly advice?: boolean;
}

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** What was read, before any schema, variables filled in. */
  readonly source: Source;
  /** Finds out which of them are secrets, by their paths. */
  readonly secrets: () => Promise<IsSecret>;
  /** Of the schemas and other files that pipelines and endpoints name. */
  readonly fileVersions: FileVersions;
  /**
   * Files that were read for it: the configuration itself, what it includes, and schemas, but no plugins. None for a text or an
   * object.
   */
  readonly files: readonly string[];
  /** Warnings, and notes, which only `lint` prints. */
  readonly warnings: readonly Problem[];
  /** Whether the file has a section `tests`, which `loadTests` reads. */
  readonly hasTests: boolean;
}

/**
 * Reads a configuration: a file's path, YAML text, or an object, whose texts are taken as they are. Throws ConfigError
 * with every mistake in it (TG_CONFIG_INVALID, or TG_DRIVER_AMBIGUOUS, TG_PLUGIN_INVALID where all are of that kind)
 * and TG_CONFIG_UNREADABLE.
 */
export async function loadConfig(from: string | ConfigText | object, options: LoadOptions = {}): Promise<LoadedConfig> {
  const { registry = builtinRegistry(), env = process.env, production = productionSign(env) } = options;
  const { source: whole, folder, files } = await readSource(from, env);
  const source = withoutTests(whole);
  const failed = (mistakes: readonly Finding[]) => new ConfigError(source.positions.problems(mistakes), files);
  if (source.value === undefined) throw failed(source.findings);
  const findings = [...source.findings, ...(await loadPlugins(source.value, registry, folder))];
  if (source.isOfFiles === true) await resolvePaths(registry, source);

  const { config: parsed, findings: mistakes, leftOut } = parseConfig(registry, source.value);
  const spoiled = new PathSet(source.spoiled);
  const consequent = [...mistakes, ...checkReferences(source.value, registry)];
  for (const finding of consequent) if (!spoiled.covers(finding.path)) findings.push(finding);
  if (parsed === undefined) throw failed(findings);
  const { config, findings: ofS2 } = applyS2(parsed);
  const doubtful = new PathSet([...leftOut, ...source.spoiled]);
  const ofLint = lint(config, source.value).filter((finding) => isSure(finding, doubtful));
  for (const finding of [...ofS2, ...ofLint]) findings.push(finding);
  const brokerVariables = source.variables
    .filter(({ path }) => path[0] === 'log' && path[1] === 'brokers')
    .map(({ name }) => name);
  const driver = resolveDriver(config.log, brokerVariables, { env, production: production ?? undefined });
  if (typeof driver !== 'string' && !doubtful.reaches(['log'])) findings.push(driver);
  const read = source.variables.map(({ name }) => name);
  findings.push(...tracingVariables(config, env, read).filter((finding) => isSure(finding, doubtful)));
  findings.push(...(await advise(config, registry, source, options)).filter((finding) => isSure(finding, doubtful)));
  const problems = source.positions.problems(findings);
  const errors = problems.filter(({ severity }) => severity === 'error');
  // Where the driver is open without an error of its own, the reason is among the others.
  if (typeof driver !== 'string' || errors.length > 0) throw new ConfigError(errors, files);
  const { pipelines, endpoints } = source.value as { readonly pipelines?: unknown; readonly endpoints?: unknown };
  const fileVersions = await namedFiles({ pipelines, endpoints });
  return {
    config: withLiterals({ ...config, log: { ...config.log, driver } }, source.value),
    secrets: () => secretsIn(registry, source),
    files: files.length === 0 ? [] : [...files, ...fileVersions.keys()],
    fileVersions,
    warnings: problems,
    source,
    hasTests: source !== whole,
  };
}

/** The tests of a file are read by `loadTests`: what is wrong in them keeps no gateway from starting. */
function withoutTests(source: Source): Source {
  const { value, findings } = source;
  if (typeof value !== 'object' || value === null || !('tests' in value)) return source;
  const { tests: _, ...settings } = value;
  return { ...source, value: settings, findings: findings.filter(({ path }) => path[0] !== 'tests') };
}

/** The sections that say how the file is made are not of the configuration. */
function parseConfig(registry: Registry, value: unknown): Parsed<ParsedConfig> {
  const { config, ...rest } = parseSettings(gatewaySchema(registry), value);
  if (config === undefined) return { config, ...rest };
  const { include: _, templates: __, ...parsed } = config;
  return { config: parsed, ...rest };
}

async function resolvePaths(registry: Registry, { value, positions }: Source): Promise<void> {
  const [{ resolveIncludedPaths }, { configJsonSchema }] = await Promise.all([
    import('./yaml/included-paths.ts'),
    import('./reference/json-schema.ts'),
  ]);
  if (typeof value === 'object' && value !== null) resolveIncludedPaths(configJsonSchema(registry), value, positions);
}

/** The components that a file may name: ours and those of its plugins. Throws ConfigError where one cannot be loaded. */
export async function loadRegistry(file: string, env: Environment = process.env): Promise<Registry> {
  return await registryOf(await readSource(file, env));
}

/** The same of a file that was read. */
export async function registryOf({ source, folder }: ReadConfig): Promise<Registry> {
  const registry = builtinRegistry();
  const findings = await loadPlugins(source.value, registry, folder);
  if (findings.length > 0) throw new ConfigError(source.positions.problems(findings));
  return registry;
}

/** What only a check of the file looks for. The schema of editors takes longer to make than all other checks. */
async function advise(
  config: ParsedConfig,
  registry: Registry,
  { value, variables }: Source,
  { strict = false, advice = false }: LoadOptions,
): Promise<Finding[]> {
  if (!strict && !advice) return [];
  const [{ lintUnused }, { lintDeprecated }, { lintSecrets }, { configJsonSchema }] = await Promise.all([
    import('./lint/lint-unused.ts'),
    import('./lint/lint-deprecated.ts'),
    import('./lint/lint-secrets.ts'),
    import('./reference/json-schema.ts'),
  ]);
  const schema = configJsonSchema(registry);
  const filled = new Set(variables.map(({ path }) => JSON.stringify(path)));
  return [
    ...(advice ? [...lintUnused(config), ...lintDeprecated(schema, value)] : []),
    ...(strict ? lintSecrets(schema, value, (path) => filled.has(JSON.stringify(path))) : []),
  ];
}

async function secretsIn(registry: Registry, source: Source): Promise<IsSecret> {
  const [{ secretPlaces }, { configJsonSchema }] = await Promise.all([
    import('./secret-places.ts'),
    import('./reference/json-schema.ts'),
  ]);
  return secretPlaces(configJsonSchema(registry), source);
}

/** Plugins come before everything else, as the schema has their components in it. */
async function loadPlugins(value: unknown, registry: Registry, folder: string): Promise<Finding[]> {
  const plugins = (value as { plugins?: unknown } | null)?.plugins;
  const paths =
    typeof plugins === 'string' ? plugins.split(',').map((path) => path.trim()) : Array.isArray(plugins) ? plugins : [];
  const findings: Finding[] = [];
  for (const [index, path] of paths.entries()) {
    if (typeof path !== 'string' || path === '') continue;
    try {
      await loadPlugin(registry, path, folder);
    } catch (error) {
      const { code, message } = asTidegateError(error, 'TG_PLUGIN_INVALID');
      // The code says which rule it broke, and is not shown otherwise.
      findings.push(failing(['plugins', index], `${message} (${code})`, { code }));
    }
  }
  return findings;
}

/** Whether a lint finding cannot be the mere consequence of a mistake that is reported already. */
function isSure({ severity, path }: Finding, doubtful: PathSet): boolean {
  if (severity !== 'error') return doubtful.isEmpty;
  return !doubtful.reaches(path.slice(0, 2)) && !doubtful.covers(path);
}

/** Turns the marks of literal `${!` back into nothing, once every expression has been compiled. */
function withLiterals(config: GatewayConfig, source: unknown): GatewayConfig {
  if (JSON.stringify(source)?.includes(LITERAL_MARK) !== true) return config;
  return unmarked(config) as GatewayConfig;
}

function unmarked(value: unknown): unknown {
  if (typeof value === 'string') return withoutMarks(value);
  if (Array.isArray(value)) return value.map(unmarked);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  // A component's spec holds functions and schemas, and none of the file's text.
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [withoutMarks(key), key === 'spec' ? inner : unmarked(inner)]),
  );
}
