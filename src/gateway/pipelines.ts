import { LeasedSink } from '../actors/leased-sink.ts';
import { pipelineMetrics } from '../actors/pipeline/metrics.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { endpointsOf, type PipelineConfig, referencesOf, sharingOf, sinksOf, sourcesOf } from '../config/index.ts';
import { componentsIn } from '../config/schema/step-schema.ts';
import type { Sink } from '../core/component.ts';
import type { Logger } from '../telemetry/logger.ts';
import { factsOf } from '../telemetry/message-facts.ts';
import { OwnStats } from '../telemetry/own-stats.ts';
import { createStats, type Stats } from '../telemetry/stats.ts';
import { feedOf } from './channel-feeds.ts';
import { componentContext } from './component-context.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type FailureHandling, makePipeline } from './make-pipeline.ts';
import type { PipelineEndpoints, PipelineFeed } from './pipeline-endpoint.ts';
import { PipelineSet } from './pipeline-set.ts';
import { PipelineTransactions } from './pipeline-transactions.ts';
import { type Replay, replayOf } from './replay.ts';

/** The pipelines of the configuration, which are created, and started later. */
export function createPipelines(context: GatewayContext, endpoints: PipelineEndpoints): PipelineSet {
  const create = (name: string, settings: PipelineConfig) => {
    const stats = new OwnStats(context.stats);
    const { pipeline, replay, feed } = createPipeline(context.heldBy(stats), endpoints, { name, settings, stats });
    const ended = () => {
      replay?.ended();
      feed?.ended();
      stats.end();
      // The pipeline that takes its place is made in this turn, and goes on with the same topics.
      queueMicrotask(() => context.release(stats));
    };
    return { pipeline, ended };
  };
  const pipelines = new PipelineSet(create, context.scoped('gateway'));
  pipelines.apply(context.config.pipelines);
  return pipelines;
}

/**
 * Makes those pipelines as `createPipelines` does, and drops them, to see whether they can be made. Throws what a component throws.
 * What they name and is not there yet is taken as there.
 */
export function tryPipelines(
  context: GatewayContext,
  endpoints: PipelineEndpoints,
  pipelines: Readonly<Record<string, PipelineConfig>>,
): void {
  const holder = {};
  try {
    for (const [name, settings] of Object.entries(pipelines))
      createPipeline(context.heldBy(holder), endpoints, { name, settings, stats: createStats() });
  } finally {
    context.release(holder);
  }
}

function createPipeline(
  context: GatewayContext,
  endpoints: PipelineEndpoints,
  { name, settings, stats }: { readonly name: string; readonly settings: PipelineConfig; readonly stats: Stats },
): { readonly pipeline: Pipeline; readonly replay: Replay | undefined; readonly feed: PipelineFeed | undefined } {
  const logger = context.scoped('pipeline', { pipeline: name });
  const ownTopics = topicsOf(settings);
  const replay = replayOf(context, endpoints, settings, () => pipeline.settled());
  const transactions = settings.exactly_once ? new PipelineTransactions(settings.transaction) : undefined;
  const closing = new AbortController();
  const { signal } = closing;
  const feed = feedOf(context, endpoints, { name, settings, stats }, () => pipeline);
  const own = { stats, signal };
  const pipeline: Pipeline = makePipeline(context, {
    name,
    settings,
    component: (place) => {
      const path = `pipelines.${name}.${place}`;
      return place.startsWith('source')
        ? componentContext(context, path, endpoints, replay, { stats, signal, feed }, ownTopics, transactions)
        : componentContext(context, path, feed?.endpoints ?? endpoints, undefined, own, undefined, transactions);
    },
    isInOrder: feed !== undefined,
    closed: () => closing.abort(),
    ...(feed === undefined ? {} : { breaking: () => feed.breaking() }),
    transactions,
    leased: (sink) => leased(sink, settings, endpoints),
    failures: failureHandling(settings, logger),
    metrics: pipelineMetrics(stats, name),
    stats,
    logger,
  });
  return { pipeline, replay, feed };
}

/** The topics that a pipeline writes to, as far as their names do not come from messages. */
export function topicsOf(settings: PipelineConfig): ReadonlySet<string> {
  const places = [...sinksOf(settings), ...componentsIn(settings.processors, [])];
  const references = places.flatMap(({ chosen }) => referencesOf(chosen));
  // A table is read.
  const names = references.flatMap(({ to, name, isTable }) => (to === 'topic' && isTable !== true ? [name] : []));
  return new Set([...names, ...(settings.on_error.dead_letter === undefined ? [] : [settings.on_error.dead_letter])]);
}

/** Messages of a room's members are written only while their gateway holds its lease: later their names may belong to others. */
function leased(sink: Sink, settings: PipelineConfig, endpoints: PipelineEndpoints): Sink {
  let leasedSink = sink;
  for (const endpoint of endpointsOf(sourcesOf(settings))) {
    const presence = endpoints.get(endpoint)?.presence;
    if (presence !== undefined) leasedSink = new LeasedSink(leasedSink, presence.lease);
  }
  return leasedSink;
}

/** A source that commits offsets may not leave a failed record behind, unless the configuration says so. */
function failureHandling(settings: PipelineConfig, logger: Logger): FailureHandling {
  const { dead_letter, skip } = settings.on_error;
  const commits = sourcesOf(settings).map(({ chosen }) => sharingOf(chosen) === 'shared');
  return {
    stops: ({ origin }) => !skip && commits[Math.max(origin, 0)] === true,
    deadLetter: dead_letter,
    skipped: skip
      ? (record, { code, message }) => {
          const { topic, partition, offset } = record;
          // A result of a window has no place in a topic yet.
          const what = topic === undefined ? 'a message' : `${topic}/${partition}/${offset}`;
          logger.warn({ ...factsOf(record), code }, `skipped ${what}: ${message}`);
        }
      : undefined,
  };
}
