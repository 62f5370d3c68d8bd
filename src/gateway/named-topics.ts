import { topicNameMistake } from '../config/schema/log-schema.ts';
import { ensureTopic } from '../core/ensure-topic.ts';
import { TidegateError } from '../core/errors.ts';
import { ownEntry } from '../core/own-entry.ts';
import { retrying } from '../core/retrying.ts';
import type { NamedTopics } from '../sdk/context.ts';
import type { GatewayContext } from './gateway-context.ts';

const RETRY = { initial: 250, max: 5_000 };

/** The topics of a gateway for components that get their names from messages. */
export function namedTopicsOf(context: GatewayContext): NamedTopics {
  return {
    mistakeOf: (name) => {
      const mistake = topicNameMistake(name);
      if (mistake !== undefined) return `"${name.slice(0, 100)}" cannot be written to: ${mistake}`;
      return context.internalTopics.has(name)
        ? `"${name}" is a topic that gateways or brokers use for their own work; nothing is written to it`
        : undefined;
    },
    ensure: async (name, create, signal) => {
      const { log, config, clock } = context;
      const attempt = async () => {
        if (!create && (await log.admin.describe(name)) === undefined) throw missing(name);
        await ensureTopic(log.admin, { ...ownEntry(config.log.topics, name), name });
        return true;
      };
      // What a pause does not change fails the messages for the topic, and no others.
      const failed = ({ next }: TidegateError) => next === 'wait';
      try {
        return (await retrying(attempt, { clock, backoff: RETRY, signal, failed })) === true;
      } catch (error) {
        if (error instanceof TidegateError && error.next === 'reject') throw error;
        throw new TidegateError('TG_TOPIC_INVALID', `the topic ${name}: ${(error as Error).message}`, error);
      }
    },
    open: (name) => context.openTopic(name),
    close: (name) => context.letGo(name),
  };
}

function missing(name: string): TidegateError {
  return new TidegateError(
    'TG_TOPIC_MISSING',
    `the topic "${name}" does not exist and topics.create is false; create it, or allow it to be created`,
  );
}
