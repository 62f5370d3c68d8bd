import { isUtf8 } from 'node:buffer';
import type { EndpointOptions } from '../actors/endpoint/endpoint-context.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Message } from '../core/message.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What records of an endpoint are the newest value of; undefined where no record takes the place of another. */
export function recordKeyOf(
  { when_full, key }: EndpointConfig['slow_consumer'],
  logger: Logger,
): EndpointOptions['keyOf'] {
  if (when_full !== 'latest') return undefined;
  if (key === undefined) return ownKeyOf;
  let hasFailed = false;
  return (record) => {
    try {
      // A path is synchronous.
      return key.evaluateText(record) as string | undefined;
    } catch (error) {
      // Clients that keep up get the record all the same.
      if (!hasFailed)
        logger.warn({ error }, 'slow_consumer.key failed for a record: no newer one takes the place of such records');
      hasFailed = true;
      return undefined;
    }
  };
}

function ownKeyOf({ key }: Message): string | undefined {
  if (key === null || typeof key === 'string') return key ?? undefined;
  // Other bytes would become the same characters of replacement.
  return isUtf8(key) ? key.toString() : `\0${key.toString('latin1')}`;
}
