import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { unreadableIn } from '../../config/config-source.ts';
import { parseSettings } from '../../config/problem/parse.ts';
import { formatPath } from '../../config/problem/problem.ts';
import type { Chosen } from '../../config/schema/component-schema.ts';
import { pipelineSchema } from '../../config/schema/pipeline-schema.ts';
import type { PipelineConfig } from '../../config/schema/schema.ts';
import type { InternalTopics } from '../../core/internal-topics.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import type { SourceSpec } from '../../sdk/define.ts';
import type { Registry } from '../../sdk/registry.ts';
import { type TransformChain, transformsProcessor } from '../transforms/index.ts';
import { commonDefinitions } from './common-definitions.ts';
import {
  type CheckedValue,
  check,
  type Definition,
  type FlatConfig,
  INTERNAL_BY_NAME,
  invalid,
  missing,
} from './definition.ts';
import type { ConnectorPlugin, Mistake } from './plugin.ts';
import { pluginOf } from './plugins.ts';
import { describeTransforms } from './transform-chain.ts';
import { transformDefinitions } from './transform-definitions.ts';
import { Values } from './values.ts';

/** The pipeline of a task: it has one source. */
export type TaskPipeline = PipelineConfig & { readonly source: Chosen<SourceSpec> };

/** One task of a connector: its own settings, and the pipeline that it runs. */
export interface TaskDescription {
  readonly config: FlatConfig;
  readonly pipeline: TaskPipeline;
  /** Whether it transforms records, which may change the topic that they go to. */
  readonly hasTransforms: boolean;
  /** Tells it from other tasks that read from the same server; the same for the same subscriptions. */
  readonly share: string | undefined;
}

/** What happens to messages that cannot be processed. */
export interface ErrorHandling {
  /** Whether they are skipped; otherwise their task fails. */
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

/** The settings of a connector, examined. */
export interface Examined {
  readonly plugin: ConnectorPlugin;
  /** All settings that the class has, with the mistakes in each. */
  readonly checked: readonly CheckedValue[];
  /** Settings that the class does not have: they are kept and ignored. */
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
  /** Topics that no connector may use; those that are internal by their names alone where it is left out. */
  readonly internal?: InternalTopics;
}

/** Examines all settings of a connector and finds every mistake; undefined if there is no such class. */
export function examine(
  config: FlatConfig,
  { registry, defaults = {}, internal = INTERNAL_BY_NAME }: ExamineOptions,
): Examined | undefined {
  const plugin = pluginOf(config['connector.class']?.trim() ?? '');
  if (plugin === undefined) return undefined;
  const definitions = definitionsOf(plugin, config).map((definition) => withDefault(definition, defaults));
  const read = (settings: FlatConfig) => definitions.map((definition) => check(definition, settings, internal));
  const checked = read(config);
  const values = new Values(checked);
  const name = values.text('name') ?? '';
  const parts = plugin.assign(values).map((part) => taskConfig(config, part, plugin));
  const transforms = describeTransforms(checked, values, plugin, internal);
  // Made once: a sink may have a thousand tasks.
  const schema = pipelineSchema(registry) as z.ZodType<TaskPipeline>;
  const tasks = parts.map((part) => describeTask(part, name, plugin, read(part), schema, transforms.chain));
  const ofTasks = tasks.flatMap((task) => task.mistakes);
  const all = withMistakes(withMistakes(checked, [...plugin.mistakes(values), ...transforms.mistakes]), ofTasks);
  const described = tasks.flatMap(({ config, pipeline, share }) =>
    pipeline === undefined
      ? []
      : [
          {
            ...{ config, pipeline, share: tasks.length > 1 ? share : undefined },
            hasTransforms: transforms.chain !== undefined,
          },
        ],
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

/** All settings of a connector; its transforms and predicates have theirs. */
export function definitionsOf(plugin: ConnectorPlugin, config: FlatConfig): Definition[] {
  return [...commonDefinitions, ...plugin.definitions, ...transformDefinitions(config)];
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

/** As Connect shows it: the settings of the connector, what is assigned to the task, and the class of the task. */
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
  readonly pipeline: TaskPipeline | undefined;
  readonly mistakes: readonly Mistake[];
}

function describeTask(
  config: FlatConfig,
  name: string,
  plugin: ConnectorPlugin,
  checked: readonly CheckedValue[],
  schema: z.ZodType<TaskPipeline>,
  chain: TransformChain | undefined,
): DescribedTask {
  const definitions = checked.map(({ definition }) => definition);
  const values = new Values(checked);
  const spec: Record<string, unknown> = {};
  for (const { definition, setting } of checked)
    if (definition.path !== undefined && setting !== undefined) put(spec, definition.path, setting);
  for (const [path, setting] of Object.entries(plugin.settings(values, name))) put(spec, path, setting);
  const unreadable = unreadableIn(spec);
  const parsed =
    unreadable.length > 0 ? { findings: unreadable, config: undefined } : parseSettings<TaskPipeline>(schema, spec);
  const mistakes = parsed.findings.map(({ path, message }): Mistake => {
    const owner = ownerOf(formatPath(path), plugin, definitions, values);
    if (!values.has(owner.name)) return [owner.name, missing(owner.name)];
    const why = owner.secrets === undefined ? message : withoutSecrets(message, textsOf(values.setting(owner.name)));
    return [owner.name, invalid(owner, config[owner.name] ?? null, why)];
  });
  return {
    config,
    share: shareOf(config),
    pipeline: parsed.findings.length === 0 && parsed.config !== undefined ? withChain(parsed.config, chain) : undefined,
    mistakes,
  };
}

/** Transforms come last: in a source they see the record that the connector makes. */
function withChain(pipeline: TaskPipeline, chain: TransformChain | undefined): TaskPipeline {
  if (chain === undefined) return pipeline;
  return { ...pipeline, processors: [...pipeline.processors, { spec: transformsProcessor, config: chain }] };
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

/** A setting that is invalid by itself is reported once. */
function withMistakes(checked: readonly CheckedValue[], mistakes: readonly Mistake[]): CheckedValue[] {
  return checked.map((one) => {
    if (one.errors.length > 0) return one;
    const sentences = mistakes.filter(([name]) => name === one.definition.name).map(([, sentence]) => sentence);
    return sentences.length === 0 ? one : { ...one, errors: [...new Set(sentences)] };
  });
}

/** All texts within a setting: a message that quotes one of them may quote a secret. */
function textsOf(setting: unknown): string[] {
  if (typeof setting === 'string') return [setting];
  if (typeof setting !== 'object' || setting === null) return [];
  return Object.values(setting).flatMap(textsOf);
}
