import type { Audience } from '../actors/audience/audience.ts';
import { type PipelineFigures, pipelineFigures } from '../actors/pipeline/figures.ts';
import { Pipeline } from '../actors/pipeline/pipeline.ts';
import type { PipelineConfig } from '../config/index.ts';
import type { Sink } from '../core/component.ts';
import type { Message } from '../core/message.ts';
import { DeadLetters } from '../pipelines/dead-letter.ts';
import type { Rescue } from '../pipelines/flight.ts';
import { skipping } from '../pipelines/skip.ts';
import { compileStages } from '../pipelines/stages.ts';
import { makeComponent } from '../sdk/make.ts';
import type { Logger } from '../telemetry/logger.ts';
import { factsOf } from '../telemetry/message-facts.ts';
import { componentContext } from './context.ts';
import { replayOf } from './replay.ts';
import type { Workshop } from './workshop.ts';

/** All pipelines by name, in the order of the configuration. */
export function createPipelines(workshop: Workshop, audiences: ReadonlyMap<string, Audience>): Map<string, Pipeline> {
  const pipelines = new Map<string, Pipeline>();
  for (const [name, spec] of Object.entries(workshop.config.pipelines)) {
    const settled = () => pipelines.get(name)?.settled() ?? Promise.resolve();
    pipelines.set(name, createPipeline(workshop, audiences, name, spec, settled));
  }
  return pipelines;
}

function createPipeline(
  workshop: Workshop,
  audiences: ReadonlyMap<string, Audience>,
  name: string,
  spec: PipelineConfig,
  settled: () => Promise<void>,
): Pipeline {
  const { source, sink, on_error, batch, in_flight } = spec;
  const path = `pipelines.${name}`;
  const figures = pipelineFigures(workshop.stats, name);
  const logger = workshop.scoped('pipeline', { pipeline: name });
  const context = (place: string) => componentContext(workshop, `${path}.${place}`, audiences);
  const replay = replayOf(workshop, audiences, spec, settled);
  const into = makeComponent(sink.spec, sink.config, context('sink'));
  return new Pipeline({
    name,
    source: makeComponent(source.spec, source.config, componentContext(workshop, `${path}.source`, audiences, replay)),
    sink: into,
    stages: compileStages(spec.processors, (index) => context(`processors[${index}]`)),
    batch,
    inFlight: in_flight,
    retries: on_error.retries,
    backoff: on_error.backoff,
    rescue: rescueOf(workshop, name, on_error, into, figures, logger),
    stopsOnFailure: source.spec.sharing(source.config) === 'shared' && !on_error.skip,
    clock: workshop.clock,
    logger,
    tracing: workshop.telemetry.tracing,
    figures,
  });
}

/** Messages that failed for good become dead letters where there is a topic for them, else they are passed over where that is said. */
function rescueOf(
  workshop: Workshop,
  name: string,
  { dead_letter, skip }: PipelineConfig['on_error'],
  sink: Sink,
  figures: PipelineFigures,
  logger: Logger,
): Rescue {
  const lastResort: Rescue = skip
    ? skipping((skipped, { code, message }) => {
        const { topic, partition, offset } = skipped;
        figures.skipped.value += 1;
        logger.warn({ ...factsOf(skipped), code }, `passed over ${topic}/${partition}/${offset}: ${message}`);
      })
    : () => false;
  if (dead_letter === undefined) return lastResort;
  const stored = () => {
    figures.deadLetters.value += 1;
  };
  const keyOf = (message: Message) => sink.keyOf?.(message);
  const letters = new DeadLetters(workshop.topic(dead_letter), name, stored, lastResort, keyOf);
  return (message, failure) => letters.take(message, failure);
}
