import { FeedNames } from '../../channels/feed/feed-names.ts';
import { ownEntry } from '../../core/own-entry.ts';
import type { SinkSpec } from '../../sdk/define.ts';
import type { Path } from '../problem/problem.ts';
import { channelHistoryOf } from '../schema/channels-schema.ts';
import type { ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { type ChosenComponent, componentsIn } from '../schema/step-schema.ts';
import { type PlacedEnd, sinksOf, sourcesOf } from './ends.ts';
import { endpointsOf, sharingOf, topicsIn } from './pipeline-uses.ts';

/** A pipeline whose records have positions in their channels, as far as its settings say. */
export interface FeedPlan {
  readonly topic: string;
  /** What channels are called, as it is written. */
  readonly template: string;
  readonly names: readonly FeedNames[];
  /** Whether the name of a channel says in which partition its records are; otherwise the topic may have but one. */
  readonly isByKey: boolean;
}

/** Where records go to channels of an endpoint: how they get positions there, or why they have none. */
export interface FeedSink {
  readonly pipeline: string;
  readonly endpoint: string;
  /** Of its setting `channel`. */
  readonly path: Path;
  readonly plan: FeedPlan | string;
}

export interface ChannelSink extends Omit<FeedSink, 'plan'> {
  readonly settings: PipelineConfig;
  readonly template: string;
  readonly names: readonly FeedNames[];
}

type Pipelines = Pick<ParsedConfig, 'pipelines'>;

/** All sinks for channels, in the order of the configuration. */
export function feedSinks(config: Pipelines): readonly FeedSink[] {
  const sinks = channelSinks(config);
  return sinks.map((sink) => {
    const { pipeline, endpoint, path } = sink;
    return { pipeline, endpoint, path, plan: planOf(sink, sinks) };
  });
}

/** The endpoint in whose channels records of that pipeline have positions, and how; undefined where they have none. */
export function feedPlanOf(config: Pipelines, pipeline: string): (FeedPlan & Pick<FeedSink, 'endpoint'>) | undefined {
  const settings = ownEntry(config.pipelines, pipeline);
  const own = settings === undefined ? [] : channelSinksOf(pipeline, settings);
  const [sink] = own;
  // Most pipelines send nothing to channels: the others are not looked at for each of them.
  if (sink === undefined) return undefined;
  const others = channelSinks(config).filter((one) => one.pipeline !== pipeline);
  const plan = planOf(sink, [...own, ...others]);
  return typeof plan === 'string' ? undefined : { ...plan, endpoint: sink.endpoint };
}

/** Pipelines whose records have positions in channels, as far as the settings say. */
export function placedPipelines({ pipelines, endpoints }: Pick<ParsedConfig, 'pipelines' | 'endpoints'>): Set<string> {
  const placed = feedSinks({ pipelines }).filter(
    ({ endpoint, plan }) => typeof plan !== 'string' && channelHistoryOf(endpoints[endpoint]?.channels) !== undefined,
  );
  return new Set(placed.map(({ pipeline }) => pipeline));
}

export function channelSinks({ pipelines }: Pipelines): ChannelSink[] {
  return Object.entries(pipelines).flatMap(([name, settings]) => channelSinksOf(name, settings));
}

function channelSinksOf(name: string, settings: PipelineConfig): ChannelSink[] {
  return sinksOf(settings, ['pipelines', name]).flatMap((sink) => channelSink(name, settings, sink));
}

/** How many partitions a topic has, where the configuration says it. */
export function partitionsOf({ log }: Pick<ParsedConfig, 'log'>, topic: string): number | undefined {
  return ownEntry(log.topics, topic)?.partitions;
}

function channelSink(pipeline: string, settings: PipelineConfig, sink: PlacedEnd<SinkSpec>): ChannelSink[] {
  const { spec, config } = sink.chosen;
  const expressions = spec.channels?.(config);
  const [endpoint] = endpointsOf([sink]);
  if (expressions === undefined || endpoint === undefined) return [];
  const path = [...sink.path, spec.name, 'channel'];
  const template = expressions.map(({ text }) => text).join(', ');
  return [{ pipeline, endpoint, path, settings, template, names: expressions.map((one) => new FeedNames(one)) }];
}

function planOf(sink: ChannelSink, all: readonly ChannelSink[]): FeedPlan | string {
  const { settings, template, names, endpoint } = sink;
  if (settings.sink.spec.channels === undefined) return 'this sink is within another one';
  const topic = topicOf(settings);
  if (topic === undefined)
    return 'its pipeline has to read one topic by its name, without a group, and have no other source';
  const processors = componentsIn(settings.processors, []).map(({ chosen }) => chosen);
  const forgetful = processors.find(({ spec }) => spec.kind === 'operator' || spec.splits === true);
  if (forgetful !== undefined)
    return `${forgetful.spec.name} makes something else than one record of each record by itself; do that in a pipeline of its own that writes to a topic`;
  const other = all.find((one) => one !== sink && one.endpoint === endpoint && overlap(one.names, names));
  if (other !== undefined) return `pipelines.${other.pipeline} may send records to a channel of the same name`;
  return { topic, template, names, isByKey: names.every(({ hasKey }) => hasKey) && !processors.some(setsKey) };
}

function topicOf(settings: PipelineConfig): string | undefined {
  const [source, ...others] = sourcesOf(settings);
  if (source === undefined || others.length > 0) return undefined;
  const { chosen } = source;
  const [topic, ...more] = topicsIn(chosen);
  const patterns = chosen.spec.patterns?.(chosen.config) ?? [];
  return sharingOf(chosen) === 'broadcast' && more.length === 0 && patterns.length === 0 ? topic : undefined;
}

function setsKey({ spec, config }: ChosenComponent): boolean {
  return spec.kind === 'processor' && spec.setsKey?.(config) === true;
}

export function overlap(some: readonly FeedNames[], others: readonly FeedNames[]): boolean {
  return some.some((one) => others.some((other) => one.overlaps(other)));
}
