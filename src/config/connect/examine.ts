import { createHash } from 'node:crypto';
import { withoutSecrets } from '../../core/secrets.ts';
import type { Registry } from '../../sdk/registry.ts';
import { parseSettings } from '../parse.ts';
import { pipelineSchema } from '../pipeline-schema.ts';
import { formatPath } from '../problem.ts';
import type { PipelineConfig } from '../schema.ts';
import { commonDefinitions } from './common-definitions.ts';
import { type CheckedValue, check, type Definition, type FlatConfig, invalid, missing } from './definition.ts';
import type { Complaint, ConnectorPlugin } from './plugin.ts';
import { pluginOf } from './plugins.ts';
import { Values } from './values.ts';

/** One task of a connector: its own settings, and the pipeline that it runs. */
export interface TaskDescription {
  readonly config: FlatConfig;
  readonly pipeline: PipelineConfig;
  /** Tells it from other tasks that read from the same server; the same for the same subscriptions. */
  readonly share: string | undefined;
}

/** What becomes of messages that cannot be processed. */
export interface ErrorHandling {
  /** Whether they are passed over; else their task fails. */
  readonly isTolerant: boolean;
  readonly isLogged: boolean;
  readonly withMessages: boolean;
  readonly deadLetter: string | undefined;
}

/** A connector that can be run. */
export interface ConnectorDescription {
  readonly name: string;
  readonly plugin: ConnectorPlugin;
  readonly tasks: readonly TaskDescription[];
  readonly errors: ErrorHandling;
}

/** What was found out about the settings of a connector. */
export interface Examined {
  readonly plugin: ConnectorPlugin;
  /** All settings that the class has, with what is wrong about each. */
  readonly checked: readonly CheckedValue[];
  /** Settings that the class does not have: they are kept, and mean nothing. */
  readonly unknown: readonly string[];
  /** Those of them that are given as null, which is a mistake. */
  readonly nulls: readonly string[];
  /** undefined where there are errors. */
  readonly description: ConnectorDescription | undefined;
}

export interface ExamineOptions {
  readonly registry: Registry;
  /** Defaults of the worker, such as its converters, in place of those of the definitions. */
  readonly defaults?: FlatConfig;
}

/** Looks at all settings of a connector and finds every mistake; undefined where there is no such class. */
export function examine(config: FlatConfig, { registry, defaults = {} }: ExamineOptions): Examined | undefined {
  const plugin = pluginOf(config['connector.class']?.trim() ?? '');
  if (plugin === undefined) return undefined;
  const definitions = definitionsOf(plugin).map((definition) => withDefault(definition, defaults));
  const checked = definitions.map((definition) => check(definition, config));
  const values = new Values(checked);
  const name = values.text('name') ?? '';
  const parts = plugin.deal(values).map((part) => taskConfig(config, part, plugin));
  const tasks = parts.map((part) => describeTask(part, name, plugin, definitions, registry));
  const mistaken = tasks.flatMap((task) => task.complaints);
  const all = withComplaints(withComplaints(checked, plugin.complaints(values)), mistaken);
  const described = tasks.flatMap(({ config, pipeline, share }) =>
    pipeline === undefined ? [] : [{ config, pipeline, share: tasks.length > 1 ? share : undefined }],
  );
  const known = new Set(definitions.map((definition) => definition.name));
  const unknown = Object.keys(config).filter((key) => !known.has(key));
  const nulls = unknown.filter((key) => config[key] === null);
  const isSound =
    nulls.length === 0 && all.every(({ errors }) => errors.length === 0) && described.length === tasks.length;
  return {
    plugin,
    checked: all,
    unknown,
    nulls,
    description: isSound ? { name, plugin, tasks: described, errors: errorHandling(values) } : undefined,
  };
}

export function definitionsOf(plugin: ConnectorPlugin): Definition[] {
  return [...commonDefinitions, ...plugin.definitions];
}

function withDefault(definition: Definition, defaults: FlatConfig): Definition {
  const given = defaults[definition.name];
  return given === undefined ? definition : { ...definition, default: given };
}

function errorHandling(values: Values): ErrorHandling {
  return {
    isTolerant: values.text('errors.tolerance') === 'all',
    isLogged: values.flag('errors.log.enable'),
    withMessages: values.flag('errors.log.include.messages'),
    deadLetter: values.text('errors.deadletterqueue.topic.name'),
  };
}

/** As Connect shows it: the settings of the connector, what is dealt to the task, and the class of the task. */
function taskConfig(config: FlatConfig, part: FlatConfig, { classes, taskClass }: ConnectorPlugin): FlatConfig {
  const [first = ''] = classes;
  const full = classes.find((one) => one === config['connector.class']?.trim()) ?? first;
  const kept = Object.entries(config).filter(([, value]) => value !== null);
  return {
    ...Object.fromEntries(kept),
    ...part,
    'task.class': `${full.slice(0, full.lastIndexOf('.') + 1)}${taskClass}`,
  };
}

interface DescribedTask {
  readonly config: FlatConfig;
  readonly share: string | undefined;
  readonly pipeline: PipelineConfig | undefined;
  readonly complaints: readonly Complaint[];
}

function describeTask(
  config: FlatConfig,
  name: string,
  plugin: ConnectorPlugin,
  definitions: readonly Definition[],
  registry: Registry,
): DescribedTask {
  const checked = definitions.map((definition) => check(definition, config));
  const values = new Values(checked);
  const spec: Record<string, unknown> = {};
  for (const { definition, setting } of checked)
    if (definition.path !== undefined && setting !== undefined) put(spec, definition.path, setting);
  for (const [path, setting] of Object.entries(plugin.settings(values, name))) put(spec, path, setting);
  const parsed = parseSettings<PipelineConfig>(pipelineSchema(registry), spec);
  const complaints = parsed.findings.map(({ path, message }): Complaint => {
    const owner = ownerOf(formatPath(path), plugin, definitions, values);
    if (!values.has(owner.name)) return [owner.name, missing(owner.name)];
    const said = owner.secrets === undefined ? message : withoutSecrets(message, textsOf(values.setting(owner.name)));
    return [owner.name, invalid(owner, config[owner.name] ?? null, said)];
  });
  return {
    config,
    share: shareOf(config),
    pipeline: parsed.findings.length === 0 ? parsed.config : undefined,
    complaints,
  };
}

function shareOf(config: FlatConfig): string | undefined {
  const subscriptions = config['websocket.subscriptions'];
  return typeof subscriptions === 'string'
    ? createHash('sha256').update(subscriptions).digest('hex').slice(0, 12)
    : undefined;
}

/** The setting that a place of the pipeline came from, or would come from where none is given. */
function ownerOf(
  path: string,
  { owners }: ConnectorPlugin,
  definitions: readonly Definition[],
  values: Values,
): Definition {
  const places = [
    ...definitions.flatMap(({ name, path: own }) => (own === undefined ? [] : [[own, name] as const])),
    ...owners,
  ];
  const candidates = places
    .filter(([place]) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`))
    .sort(([one], [other]) => other.length - one.length);
  const [, name = 'connector.class'] = candidates.find(([, each]) => values.has(each)) ?? candidates[0] ?? [];
  // Each owner is one of the definitions, which the tests check.
  return definitions.find((definition) => definition.name === name) as Definition;
}

function put(spec: Record<string, unknown>, path: string, setting: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() as string; // split gives at least one
  let inner = spec;
  for (const step of steps) {
    inner[step] ??= {};
    inner = inner[step] as Record<string, unknown>;
  }
  inner[last] = setting;
}

/** A setting that is wrong by itself already is complained of once. */
function withComplaints(checked: readonly CheckedValue[], complaints: readonly Complaint[]): CheckedValue[] {
  return checked.map((one) => {
    if (one.errors.length > 0) return one;
    const sentences = complaints.filter(([name]) => name === one.definition.name).map(([, sentence]) => sentence);
    return sentences.length === 0 ? one : { ...one, errors: [...new Set(sentences)] };
  });
}

/** All texts within a setting: a complaint that quotes one of them may quote a secret. */
function textsOf(setting: unknown): string[] {
  if (typeof setting === 'string') return [setting];
  if (typeof setting !== 'object' || setting === null) return [];
  return Object.values(setting).flatMap(textsOf);
}
