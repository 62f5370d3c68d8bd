import { TidegateError } from './errors.ts';
import type { LogAdmin, TopicSpec } from './log.ts';

export interface WantedTopic extends TopicSpec {
  /** Whether it may be created; yes, where it is left out. */
  readonly create?: boolean;
}

/**
 * Creates the topic where it is missing. Resolves with whether it was created. Rejects as the admin does, and with
 * TG_TOPIC_MISSING where it is missing and must not be created.
 */
export async function ensureTopic(admin: LogAdmin, { create = true, ...topic }: WantedTopic): Promise<boolean> {
  if ((await admin.describe(topic.name)) !== undefined) return false;
  if (!create) {
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
