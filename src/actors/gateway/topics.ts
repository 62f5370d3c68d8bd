import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { LogAdmin } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { backoffDelay } from '../backoff.ts';
import type { GatewayParts } from './parts.ts';

const RETRY = { initial: 250, max: 5_000 };

/** Makes sure that the topics of the configuration exist, for as long as it takes. */
export class TopicPreparation {
  /** Why the topics are not ready, or undefined. */
  trouble: string | undefined = 'the topics have not been checked yet';
  private readonly parts: Pick<GatewayParts, 'log' | 'wantedTopics' | 'logger'>;
  private readonly created: string[] = [];
  private told: string | undefined;
  private isCancelled = false;

  constructor(parts: Pick<GatewayParts, 'log' | 'wantedTopics' | 'logger'>) {
    this.parts = parts;
  }

  /**
   * Resolves with true once all topics are there, with false when it was cancelled. Rejects where trying again cannot
   * help: with TG_TOPIC_INVALID, or another error that a person has to mend here.
   */
  async run(): Promise<boolean> {
    const { log, wantedTopics, logger } = this.parts;
    for (let attempt = 1; !this.isCancelled; attempt++) {
      try {
        for (const topic of wantedTopics) if (await prepare(log.admin, topic)) this.created.push(topic.name);
        this.trouble = undefined;
        tell(this.created, logger);
        return true;
      } catch (error) {
        const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
        this.trouble = failure.message;
        if (isForGood(failure)) throw failure;
        this.complain(failure);
        await new Promise((resolve) => setTimeout(resolve, backoffDelay(attempt, RETRY)).unref());
      }
    }
    return false;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  /** A log that is away says so by itself; anything else a person has to mend. */
  private complain({ code, message }: TidegateError): void {
    if (code === 'TG_LOG_UNAVAILABLE' || message === this.told) return;
    this.told = message;
    this.parts.logger.error({ code }, `the topics cannot be prepared, trying again: ${message}`);
  }
}

/** Resolves with whether the topic was created. */
async function prepare(admin: LogAdmin, topic: GatewayParts['wantedTopics'][number]): Promise<boolean> {
  if ((await admin.describe(topic.name)) !== undefined) return false;
  if (!topic.create) {
    throw new TidegateError(
      'TG_TOPIC_MISSING',
      `the topic ${topic.name} does not exist and log.topics.${topic.name}.create is false; create it, or allow it to be created`,
    );
  }
  try {
    return await admin.create(topic);
  } catch (error) {
    if (!(error instanceof TidegateError) || error.code !== 'TG_TOPIC_INVALID') throw error;
    const why = `the topic ${topic.name} cannot be created as the configuration has it: ${error.message}`;
    throw new TidegateError(error.code, why, error);
  }
}

/** A right may be granted and a topic made by somebody else, but what the log finds wrong with a topic stays wrong. */
function isForGood({ code, next }: TidegateError): boolean {
  return next === 'stop' || code === 'TG_TOPIC_INVALID';
}

/** One line: a first start creates a dozen. */
function tell(created: readonly string[], logger: Logger): void {
  const names = created.join(', ');
  if (created.length === 1) logger.info({}, `created the topic ${names}`);
  else if (created.length > 1) logger.info({}, `created ${created.length} topics: ${names}`);
}
