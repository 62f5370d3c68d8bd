import { MergedSource } from '../actors/pipeline/merged-source.ts';
import { type PipelineMetrics, sourceMetrics } from '../actors/pipeline/metrics.ts';
import { Pipeline } from '../actors/pipeline/pipeline.ts';
import { formatPath, type PipelineConfig, sourcesOf } from '../config/index.ts';
import type { Sink, Source } from '../core/component.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { DeadLetters } from '../pipelines/dead-letter.ts';
import type { FailurePolicy } from '../pipelines/in-flight.ts';
import { ProcessorMetrics } from '../pipelines/processor-metrics.ts';
import { skipping } from '../pipelines/skip.ts';
import { compileStages } from '../pipelines/stages.ts';
import { StageMetrics } from '../pipelines/state/metrics.ts';
import type { ConnectedContext } from '../sdk/context.ts';
import { makeComponent } from '../sdk/make.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { PipelineTransactions } from './pipeline-transactions.ts';

/** What happens to messages that failed and are not tried again. */
export interface FailureHandling {
  /** Whether that message, as its source gave it, stops the pipeline in front of it. */
  readonly stops: boolean | ((message: Message) => boolean);
  /** The topic for them; undefined: there is none. */
  readonly deadLetter: string | undefined;
  /** Reports a message that is skipped, because it has no dead letter or that failed too; undefined: none is skipped. */
  readonly skipped: ((message: Message, failure: TidegateError) => void) | undefined;
  /** Reports a message that becomes a dead letter. */
  readonly deadLettered?: (message: Message, failure: TidegateError) => void;
}

/** A pipeline of the configuration and a connector's task differ in this only. */
export interface PipelinePlan {
  readonly name: string;
  readonly settings: PipelineConfig;
  /** What the component at a place of the settings gets, such as `processors[0]`. */
  readonly component: (place: string) => ConnectedContext;
  /** Called when the pipeline breaks, before the messages in flight are nacked. */
  readonly breaking?: () => void;
  /** Called when the pipeline is closed: what its components do has no use any more. */
  readonly closed?: () => void;
  /** The sink as the pipeline writes to it. */
  readonly leased: (sink: Sink) => Sink;
  readonly failures: FailureHandling;
  /** With `exactly_once`: what the pipeline writes by, dead letters too. */
  readonly transactions?: PipelineTransactions | undefined;
  readonly metrics: PipelineMetrics;
  /** Whether its sink has to get records in the order of their partition. */
  readonly isInOrder?: boolean;
  /** For the metrics of processors and operators. */
  readonly stats: Stats;
  readonly logger: Logger;
}

export function makePipeline(context: GatewayContext, plan: PipelinePlan): Pipeline {
  const { name, settings, component, failures, metrics, stats, logger } = plan;
  const { sink, processors, batch, in_flight, on_error } = settings;
  const target = makeComponent(sink.spec, sink.config, component('sink'));
  const from = sourceOf(context, plan);
  const stages = compileStages(processors, {
    contextOf: component,
    metricsOf: (place) => new ProcessorMetrics(stats, name, place),
    stateMetricsOf: (place) => new StageMetrics(stats, name, place),
    ...(plan.isInOrder === undefined ? {} : { isInOrder: plan.isInOrder }),
  });
  for (const stage of stages) if ('stateful' in stage) stage.stateful.readFrom(from);
  return new Pipeline({
    name,
    source: from,
    sink: plan.leased(target),
    stages,
    batch,
    inFlight: in_flight,
    retries: on_error.retries,
    backoff: on_error.backoff,
    failurePolicy: failurePolicyOf(context, plan, target),
    stopsOnFailure: failures.stops,
    isTransactional: plan.transactions !== undefined,
    ...(plan.breaking === undefined ? {} : { breaking: plan.breaking }),
    ...(plan.closed === undefined ? {} : { closed: plan.closed }),
    clock: context.clock,
    logger,
    tracing: context.tracing,
    metrics,
  });
}

/** The source, or all of them as one. */
function sourceOf({ stats }: GatewayContext, { name, settings, component }: PipelinePlan): Source {
  const placed = sourcesOf(settings).map(({ chosen: { spec, config }, path }) => {
    const place = formatPath(path);
    return { place, source: makeComponent(spec, config, component(place)) };
  });
  const [first] = placed;
  if (first !== undefined && !Array.isArray(settings.source)) return first.source;
  return new MergedSource(
    placed.map(({ source, place }) => ({ source, metrics: sourceMetrics(stats, name, place) })),
    settings.in_flight,
  );
}

/** Dead letters if there is a topic for them, else or if that fails too messages are skipped, if the policy says so. */
function failurePolicyOf(
  context: GatewayContext,
  { name, failures, metrics, transactions }: PipelinePlan,
  sink: Sink,
): FailurePolicy {
  const { deadLetter, skipped, deadLettered } = failures;
  const lastResort: FailurePolicy =
    skipped === undefined
      ? () => false
      : skipping((message, failure) => {
          metrics.skipped.value += 1;
          skipped(message, failure);
        });
  if (deadLetter === undefined) return lastResort;
  const stored = () => {
    metrics.deadLetters.value += 1;
  };
  const keyOf = (message: Message) => sink.keyOf?.(message);
  const letters = new DeadLetters(
    transactions?.topic(deadLetter) ?? context.topic(deadLetter),
    name,
    stored,
    lastResort,
    keyOf,
  );
  return (message, failure) => {
    const isTaken = letters.take(message, failure);
    if (isTaken) deadLettered?.(message.source ?? message, failure);
    return isTaken;
  };
}
