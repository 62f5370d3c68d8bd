import type { TidegateError } from '../core/errors.ts';
import { type Header, type Headers, withHeader } from '../core/headers.ts';
import type { Message } from '../core/message.ts';
import { failureHeaders } from './processor-failure.ts';

/** ECMAScript's last millisecond. */
const MAX_TIME = 8_640_000_000_000_000;

/** Headers of a dead letter that say what went wrong, and where the message came from. */
export function factsOf(original: Message, failure: TidegateError, pipeline: string): Headers {
  const { sender, shownUrl, topic, partition, offset, timestamp } = original;
  const facts: Header[] = [...failureHeaders(failure), ['tidegate-pipeline', pipeline]];
  const isOfTopic = isRecord(original);
  if (isOfTopic) facts.push(['tidegate-origin', `${topic}/${partition}/${offset}`]);
  if (isOfTopic && timestamp > 0) facts.push(['tidegate-timestamp', String(timestamp)]);
  else if (timestamp > 0 && timestamp <= MAX_TIME) facts.push(['tidegate-received', new Date(timestamp).toISOString()]);
  if (shownUrl !== undefined) facts.push(['tidegate-url', shownUrl]);
  if (sender === undefined) return facts;
  facts.push(['tidegate-client-id', sender.clientId], ['tidegate-endpoint', sender.endpoint]);
  for (const name in sender.params) facts.push([`tidegate-param-${name}`, sender.params[name] ?? '']);
  return facts;
}

/** Whether a message was read from a topic. */
export function isRecord({ topic, offset }: Message): boolean {
  return topic !== undefined && offset >= 0;
}

/** The headers with those facts, each in place of all that an earlier dead letter had by its name. */
export function withFacts(headers: Headers, facts: Headers): Headers {
  return facts.reduce((changed, [name, value]) => withHeader(changed, name, value), headers);
}

/** Whether a header of a dead letter is one of those that Tidegate adds. */
export function isFact(name: string): boolean {
  return name.startsWith('tidegate-');
}
