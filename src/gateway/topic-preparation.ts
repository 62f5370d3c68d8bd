import { endsOf, type GatewayConfig, topicsIn } from '../config/index.ts';
import { componentsIn } from '../config/schema/step-schema.ts';
import { connectTopics } from '../connect/cluster/topics.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { ensureTopic, type WantedTopic } from '../core/ensure-topic.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { retrying } from '../core/retrying.ts';
import type { Logger } from '../telemetry/logger.ts';
import { presenceTopicsOf } from './presence-topics.ts';

const RETRY = { initial: 250, max: 5_000 };

/** Makes sure that the topics of the configuration exist, for as long as it takes. */
export class TopicPreparation {
  /** Why the topics are not ready, or undefined. */
  notReadyReason: string | undefined = 'the topics have not been checked yet';
  private readonly log: Pick<Log, 'admin'>;
  private wanted: readonly WantedTopic[];
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly created: string[] = [];
  private logged: string | undefined;
  private readonly cancelling = new AbortController();

  /** `wanted`: topics that have to exist before pipelines start; those whose `create` is false are only checked. */
  constructor(log: Pick<Log, 'admin'>, wanted: readonly WantedTopic[], logger: Logger, clock: Clock = systemClock) {
    this.log = log;
    this.wanted = wanted;
    this.logger = logger;
    this.clock = clock;
  }

  /**
   * Resolves with true once all topics are there, with false when it was cancelled. Rejects where trying again cannot
   * help: with TG_TOPIC_INVALID, or another error that the operator has to fix on this machine.
   */
  async run(): Promise<boolean> {
    const failed = (failure: TidegateError) => {
      this.notReadyReason = failure.message;
      if (isForGood(failure)) return false;
      this.logOnce(failure);
      return true;
    };
    const { clock } = this;
    const { signal } = this.cancelling;
    const isDone = await retrying(() => this.prepare(), { clock, backoff: RETRY, signal, failed });
    return isDone === true;
  }

  /** These have to exist instead, where the others do not yet. */
  want(wanted: readonly WantedTopic[]): void {
    this.wanted = wanted;
  }

  /** Those that are not wanted so far. */
  newAmong(wanted: readonly WantedTopic[]): readonly WantedTopic[] {
    const known = new Set(this.wanted.map(({ name }) => name));
    return wanted.filter(({ name }) => !known.has(name));
  }

  cancel(): void {
    this.cancelling.abort();
  }

  private async prepare(): Promise<true> {
    const { log, wanted, logger } = this;
    for (const topic of wanted) if (await ensureTopic(log.admin, topic)) this.created.push(topic.name);
    this.notReadyReason = undefined;
    logCreated(this.created, logger);
    return true;
  }

  /** A log that is not available logs that itself; anything else needs the operator. */
  private logOnce({ code, message }: TidegateError): void {
    if (code === 'TG_LOG_UNAVAILABLE' || message === this.logged) return;
    this.logged = message;
    this.logger.error({ code }, `the topics cannot be prepared, trying again: ${message}`);
  }
}

/** A permission may be granted and a topic created elsewhere, but settings of a topic that the log refuses stay refused. */
function isForGood({ code, next }: TidegateError): boolean {
  return next === 'stop' || code === 'TG_TOPIC_INVALID';
}

/** One line: a first start creates a dozen. */
function logCreated(created: readonly string[], logger: Logger): void {
  const names = created.join(', ');
  if (created.length === 1) logger.info({}, `created the topic ${names}`);
  else if (created.length > 1) logger.info({}, `created ${created.length} topics: ${names}`);
}

/** Topics of which processors keep a table, without duplicates. */
function tablesIn(pipelines: GatewayConfig['pipelines']): string[] {
  const references = Object.values(pipelines)
    .flatMap(({ processors }) => componentsIn(processors, []))
    .flatMap(({ chosen: { spec, config } }) => spec.references?.(config) ?? []);
  return [...new Set(references.flatMap(({ name, isTable }) => (isTable === true ? [name] : [])))];
}

/** Topics that are listed, those that a pipeline or a room names without listing them, and those that rooms and connectors keep for themselves. */
export function wantedTopics(
  { log, endpoints, pipelines, connect }: GatewayConfig,
  isStandalone: boolean,
): readonly WantedTopic[] {
  const listed = Object.entries(log.topics).map(([name, topic]) => ({ ...topic, name }));
  const named = Object.values(pipelines).flatMap((pipeline) => [
    ...[...endsOf(pipeline), ...componentsIn(pipeline.processors, [])].flatMap(({ chosen }) => topicsIn(chosen)),
    ...(pipeline.on_error.dead_letter === undefined ? [] : [pipeline.on_error.dead_letter]),
  ]);
  const rooms = Object.values(endpoints).flatMap(({ presence }) => presence?.topic ?? []);
  const isUnlisted = (name: string) => !Object.hasOwn(log.topics, name);
  const tables = tablesIn(pipelines).filter(isUnlisted);
  const unlisted = [...new Set([...named, ...rooms])].filter((name) => isUnlisted(name) && !tables.includes(name));
  return [
    ...listed,
    ...unlisted.map((name) => ({ name })),
    ...tables.map((name) => ({ name, config: { 'cleanup.policy': 'compact' } })),
    ...(connect === undefined || isStandalone ? [] : connectTopics(connect.topics)),
    ...presenceTopicsOf(endpoints),
  ];
}
