import { LeasedSink } from '../actors/leased-sink.ts';
import { pipelineMetrics } from '../actors/pipeline/metrics.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { referencesOf } from '../config/pipelines/references.ts';
import type { Run, RunObserver } from '../connect/cluster/runner.ts';
import type { TaskContext } from '../connect/cluster/task-context.ts';
import type { ErrorHandling } from '../connect/settings/index.ts';
import type { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import { ensureTopic } from '../core/ensure-topic.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { ownEntry } from '../core/own-entry.ts';
import { retrying } from '../core/retrying.ts';
import type { Logger } from '../telemetry/logger.ts';
import { componentContext } from './component-context.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type FailureHandling, makePipeline } from './make-pipeline.ts';
import { RoutedSink } from './routed-sink.ts';

const RETRY = { initial: 250, max: 5_000 };
/** Characters of a failed message in a log line. */
const MAX_LOGGED = 500;
/** JSON.parse quotes what it could not read; more follows if the dead letter was refused, too. */
const QUOTED = /, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON/s;

/** Runs the pipeline of a task, and reports its status. `runs`: the pipelines that run now. */
export async function beginTask(context: GatewayContext, task: TaskContext, runs: Set<Pipeline>): Promise<Run> {
  await ensureTopics(context, task);
  const pipeline = createPipeline(context, task);
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

function createPipeline(context: GatewayContext, task: TaskContext): Pipeline {
  const { path, type, description, lease, cursors, stats, uses, observer } = task;
  const onStatus = statusOf(observer);
  const target = type === 'source' ? topicOf(task) : undefined;
  const wrote = ({ messages }: Batch) => {
    for (const { topic = target } of messages) if (topic !== undefined) uses(topic);
  };
  const logger = context.scoped('connect', { component: path });
  const closing = new AbortController();
  const component = componentContext(context, path, undefined, undefined, {
    ...{ cursors, onStatus, stats },
    signal: closing.signal,
  });
  const pipeline = makePipeline(context, {
    name: path,
    settings: description.pipeline,
    component: () => component,
    closed: () => closing.abort(),
    leased: (sink) => new LeasedSink(routed(context, task, sink), lease, wrote),
    failures: failureHandling(task, logger),
    metrics: pipelineMetrics(stats, path),
    stats,
    logger,
  });
  pipeline.actor.subscribe({
    next: (snapshot) => {
      if (snapshot.matches('failed'))
        observer.failed(pipeline.failure ?? new TidegateError('TG_FLOW_FAILED', 'it failed'));
      else if (snapshot.matches('waiting')) onStatus('the pipeline', pipeline.failure?.message ?? 'its flow ended');
      else if (snapshot.matches('running')) onStatus('the pipeline', undefined);
    },
    error: () => {},
  });
  return pipeline;
}

/** Transforms of a source may choose topics. */
function routed(context: GatewayContext, { type, description }: TaskContext, sink: Sink): Sink {
  if (type === 'sink' || !description.hasTransforms) return sink;
  return new RoutedSink(sink, {
    topic: (name) => context.openTopic(name),
    ensure: (name, signal) => ensureAll(context, [name], signal),
  });
}

/** One status of several parts: the first one that has a problem counts. */
function statusOf(observer: RunObserver): (part: string, problem: string | undefined) => void {
  const problems = new Map<string, string>();
  return (part, problem) => {
    if (problem === undefined) problems.delete(part);
    else problems.set(part, problem);
    const [first] = problems;
    observer.onStatus(first === undefined ? undefined : `${first[0]}: ${first[1]}`);
  };
}

/** Messages that cannot be processed fail their task, unless the connector tolerates them. */
function failureHandling({ errors }: TaskContext, logger: Logger): FailureHandling {
  if (!errors.isTolerant) return { stops: true, deadLetter: undefined, skipped: undefined };
  const report = (message: Message, failure: TidegateError) => logFailure(logger, errors, message, failure);
  return { stops: false, deadLetter: errors.deadLetter, skipped: report, deadLettered: report };
}

function logFailure(
  logger: Logger,
  { isLogged, withMessages }: ErrorHandling,
  message: { readonly text: string },
  { code, message: why }: TidegateError,
): void {
  if (!isLogged) return;
  if (withMessages) logger.warn({ code, payload: message.text.slice(0, MAX_LOGGED) }, `a message was skipped: ${why}`);
  else logger.warn({ code }, `a message was skipped: ${why.replace(QUOTED, '')}`);
}

/** Creates the topics that a task is known to write to. */
async function ensureTopics(context: GatewayContext, task: TaskContext): Promise<void> {
  const { type, errors, signal, description } = task;
  const { gap } = description.pipeline.source.config as { gap?: { topic?: string } };
  const written = [
    // Transforms may choose another one.
    ...(type === 'source' && !description.hasTransforms ? [topicOf(task)] : []),
    ...(errors.deadLetter === undefined ? [] : [errors.deadLetter]),
    ...(gap?.topic === undefined ? [] : [gap.topic]),
  ];
  await ensureAll(context, written, signal);
  if (signal.aborted) throw new TidegateError('TG_STOPPING', 'the task ended before it began');
}

/** Creates topics that are missing; tries again while the log is away. Rejects if they cannot be created. */
async function ensureAll(
  { log, config, clock }: GatewayContext,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const prepare = async () => {
    for (const name of new Set(names)) await ensureTopic(log.admin, { ...ownEntry(config.log.topics, name), name });
  };
  await retrying(prepare, { clock, backoff: RETRY, signal });
}

/** The topic that a source writes to. */
function topicOf({ description }: TaskContext): string {
  return referencesOf(description.pipeline.sink).find(({ to }) => to === 'topic')?.name ?? '';
}
