import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { LeasedSink } from '../actors/leased-sink.ts';
import { pipelineMetrics } from '../actors/pipeline/metrics.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import type { PipelineConfig } from '../config/index.ts';
import { referencesOf } from '../config/references.ts';
import type { Sink } from '../core/component.ts';
import type { Logger } from '../telemetry/logger.ts';
import { factsOf } from '../telemetry/message-facts.ts';
import { componentContext } from './component-context.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type FailureHandling, makePipeline } from './make-pipeline.ts';
import { PipelineSet } from './pipeline-set.ts';
import { PipelineTransactions } from './pipeline-transactions.ts';
import { replayOf } from './replay.ts';

/** The pipelines of the configuration, which are created, and started later. */
export function createPipelines(context: GatewayContext, endpoints: ReadonlyMap<string, Endpoint>): PipelineSet {
  const create = (name: string, settings: PipelineConfig) => createPipeline(context, endpoints, name, settings);
  const pipelines = new PipelineSet(create, context.scoped('gateway'));
  pipelines.apply(context.config.pipelines);
  return pipelines;
}

function createPipeline(
  context: GatewayContext,
  endpoints: ReadonlyMap<string, Endpoint>,
  name: string,
  settings: PipelineConfig,
): Pipeline {
  const logger = context.scoped('pipeline', { pipeline: name });
  const replay = replayOf(context, endpoints, settings, () => pipeline.settled());
  const transactions = settings.exactly_once ? new PipelineTransactions(settings.transaction) : undefined;
  const pipeline: Pipeline = makePipeline(context, {
    name,
    settings,
    component: (place) => {
      const own = place === 'source' ? replay : undefined;
      return componentContext(context, `pipelines.${name}.${place}`, endpoints, own, {}, transactions);
    },
    transactions,
    leased: (sink) => leased(sink, settings, endpoints),
    failures: failureHandling(settings, logger),
    metrics: pipelineMetrics(context.stats, name),
    logger,
  });
  return pipeline;
}

/** Messages of a room's members are written only while their gateway holds its lease: later their names may belong to others. */
function leased(sink: Sink, { source }: PipelineConfig, endpoints: ReadonlyMap<string, Endpoint>): Sink {
  let leasedSink = sink;
  for (const reference of referencesOf(source)) {
    const presence = reference.to === 'endpoint' ? endpoints.get(reference.name)?.presence : undefined;
    if (presence !== undefined) leasedSink = new LeasedSink(leasedSink, presence.lease);
  }
  return leasedSink;
}

/** A source that commits offsets may not leave a failed record behind, unless the configuration says so. */
function failureHandling({ source, on_error }: PipelineConfig, logger: Logger): FailureHandling {
  const { dead_letter, skip } = on_error;
  return {
    stops: source.spec.sharing(source.config) === 'shared' && !skip,
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
