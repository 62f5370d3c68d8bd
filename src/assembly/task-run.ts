import { backoffDelay } from '../actors/backoff.ts';
import { LeasedSink } from '../actors/connectors/leased-sink.ts';
import type { Run } from '../actors/connectors/runner.ts';
import type { TaskOrder } from '../actors/connectors/task-order.ts';
import { pipelineFigures } from '../actors/pipeline/figures.ts';
import { Pipeline } from '../actors/pipeline/pipeline.ts';
import type { ErrorHandling } from '../config/connect/index.ts';
import type { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { ownEntry } from '../core/own-entry.ts';
import { DeadLetters } from '../pipelines/dead-letter.ts';
import type { Rescue } from '../pipelines/flight.ts';
import { skipping } from '../pipelines/skip.ts';
import { compileStages } from '../pipelines/stages.ts';
import { makeComponent } from '../sdk/make.ts';
import { componentContext } from './context.ts';
import type { Workshop } from './workshop.ts';

const RETRY = { initial: 250, max: 5_000 };
/** Characters of a message that failed, in a log line. */
const SHOWN = 500;
/** JSON.parse quotes what it could not read; where a dead letter was refused too, more follows. */
const QUOTED = /, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON/s;

/** Runs the pipeline of a task, and tells how it fares. `runs` has those that run now. */
export async function beginTask(workshop: Workshop, order: TaskOrder, runs: Set<Pipeline>): Promise<Run> {
  await ensureTopics(workshop, order);
  const pipeline = makePipeline(workshop, order);
  runs.add(pipeline);
  pipeline.start();
  const drop = async () => {
    runs.delete(pipeline);
    await pipeline.close();
  };
  return {
    end: async () => {
      await pipeline.drained();
      await drop();
    },
    drop,
  };
}

function makePipeline(workshop: Workshop, order: TaskOrder): Pipeline {
  const { path, type, description, errors, lease, cursors, stats, uses, observer } = order;
  const { source, sink, on_error, batch, in_flight, processors } = description.pipeline;
  const troubles = new Map<string, string>();
  const told = (where: string, trouble: string | undefined) => {
    if (trouble === undefined) troubles.delete(where);
    else troubles.set(where, trouble);
    const [first] = troubles;
    observer.fares(first === undefined ? undefined : `${first[0]}: ${first[1]}`);
  };
  const figures = pipelineFigures(stats, path);
  const context = componentContext(workshop, path, undefined, undefined, { cursors, fares: told, stats });
  const into = makeComponent(sink.spec, sink.config, context);
  const topic = topicOf(order);
  const wrote = ({ messages }: Batch) => {
    if (type === 'source') uses(topic);
    else for (const { topic: from } of messages) if (from !== undefined) uses(from);
  };
  const pipeline = new Pipeline({
    name: path,
    source: makeComponent(source.spec, source.config, context),
    sink: new LeasedSink(into, lease, wrote),
    stages: compileStages(processors, () => context),
    batch,
    inFlight: in_flight,
    retries: on_error.retries,
    backoff: on_error.backoff,
    rescue: rescueOf(workshop, order, into, figures),
    stopsOnFailure: !errors.isTolerant,
    clock: workshop.clock,
    logger: workshop.scoped('connect', { component: path }),
    tracing: workshop.telemetry.tracing,
    figures,
  });
  pipeline.actor.subscribe({
    next: (snapshot) => {
      if (snapshot.matches('failed'))
        observer.failed(pipeline.failure ?? new TidegateError('TG_FLOW_FAILED', 'it failed'));
      else if (snapshot.matches('waiting')) told('the pipeline', pipeline.failure?.message ?? 'its flow ended');
      else if (snapshot.matches('running')) told('the pipeline', undefined);
    },
    error: () => {},
  });
  return pipeline;
}

/** Where a message goes that failed for good and is tolerated. */
function rescueOf(
  workshop: Workshop,
  { path, errors }: TaskOrder,
  sink: Sink,
  figures: ReturnType<typeof pipelineFigures>,
): Rescue {
  if (!errors.isTolerant) return () => false;
  const logger = workshop.scoped('connect', { component: path });
  const skip = skipping((message, failure) => {
    figures.skipped.value += 1;
    tell(logger, errors, message, failure);
  });
  if (errors.deadLetter === undefined) return skip;
  const written = () => {
    figures.deadLetters.value += 1;
  };
  const keyOf = (message: Message) => sink.keyOf?.(message);
  const letters = new DeadLetters(workshop.topic(errors.deadLetter), path, written, skip, keyOf);
  return (message, failure) => {
    const isTaken = letters.take(message, failure);
    if (isTaken) tell(logger, errors, message.source ?? message, failure);
    return isTaken;
  };
}

function tell(
  logger: ReturnType<Workshop['scoped']>,
  { isLogged, withMessages }: ErrorHandling,
  message: { readonly text: string },
  { code, message: why }: TidegateError,
): void {
  if (!isLogged) return;
  if (withMessages) logger.warn({ code, payload: message.text.slice(0, SHOWN) }, `a message was passed over: ${why}`);
  else logger.warn({ code }, `a message was passed over: ${why.replace(QUOTED, '')}`);
}

/** Makes the topics that a task writes to, for as long as the log is away. Rejects where they cannot be made. */
async function ensureTopics(workshop: Workshop, order: TaskOrder): Promise<void> {
  const { type, errors, signal, description } = order;
  const { gap } = description.pipeline.source.config as { gap?: { topic?: string } };
  const written = [
    ...(type === 'source' ? [topicOf(order)] : []),
    ...(errors.deadLetter === undefined ? [] : [errors.deadLetter]),
    ...(gap?.topic === undefined ? [] : [gap.topic]),
  ];
  for (const name of new Set(written)) {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await ensureTopic(workshop, name);
        break;
      } catch (error) {
        const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        if (!failure.retryable) throw failure;
        await new Promise<void>((resolve) => {
          const cancel = workshop.clock.after(backoffDelay(attempt, RETRY), resolve);
          const end = () => {
            cancel();
            resolve();
          };
          signal.addEventListener('abort', end, { once: true });
        });
      }
    }
  }
  if (signal.aborted) throw new TidegateError('TG_STOPPING', 'the task ended before it began');
}

async function ensureTopic({ config, log }: Workshop, name: string): Promise<void> {
  if ((await log.admin.describe(name)) !== undefined) return;
  const listed = ownEntry(config.log.topics, name);
  if (listed?.create === false)
    throw new TidegateError(
      'TG_TOPIC_MISSING',
      `the topic ${name} does not exist, and log.topics.${name}.create is false`,
    );
  await log.admin.create({ ...listed, name });
}

/** The topic that a source writes to. */
function topicOf({ description }: TaskOrder): string {
  const { name } = description.pipeline.sink.config as { name?: string };
  return name ?? '';
}
