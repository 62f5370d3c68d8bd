import { JsonPath, type Message, type TopicRequest } from '../../sdk/index.ts';
import { readHeaders, writeHeaders } from './headers.ts';
import { isFields, isTopicName, Mistake, topicMistake } from './wire.ts';

type Publish = Extract<TopicRequest, { type: 'publish' }>;

const MESSAGE = new JsonPath(['p', 'm']);
const HOW = 'send one such as {"t":"orders","m":"hello"}';

/** The `p` of `notif/create` in that frame: a text goes into the record as it is, any other JSON value as it came. */
export function readNotification(p: unknown, frame: Buffer): Publish | Mistake {
  if (!isFields(p)) return new Mistake('payload', `p ${p === undefined ? 'is missing' : 'must be an object'}; ${HOW}`);
  const { t: topic, m, key, headers } = p;
  if (!isTopicName(topic)) return topicMistake(topic, 'p.t');
  if (m === undefined) return new Mistake('payload', `p.m, the message to publish, is missing; ${HOW}`);
  if (key !== undefined && key !== null && typeof key !== 'string')
    return new Mistake('payload', 'p.key must be a text');
  const read = readHeaders(headers);
  if (read instanceof Mistake) return read;
  const text = typeof m === 'string' ? m : (MESSAGE.textIn(frame) ?? '');
  return {
    type: 'publish',
    topic,
    message: { payload: Buffer.from(text, 'utf8'), key: key ?? null, headers: read },
  };
}

/**
 * Elements of the list in which records reach a client, with IDs from `firstId` on. Bytes that are not UTF-8 become
 * U+FFFD, because clients close the connection on a text frame that has them (RFC 6455 8.1). A tombstone has no text:
 * its `p` is null.
 */
export function writeNotifications(messages: readonly Message[], firstId: number, isDetailed: boolean): string {
  let list = '[';
  let id = firstId;
  for (const message of messages) {
    const text = message.meta.tombstone === true ? 'null' : JSON.stringify(message.text);
    if (id > firstId) list += ',';
    list += `{"id":${id},"t":"notif","p":${text}`;
    list += isDetailed ? `,${writeDetails(message)}` : '}';
    id += 1;
  }
  return `${list}]`;
}

/** The rest of an object, from its second field to its end. */
function writeDetails({ topic, partition, offset, key, headers, timestamp }: Message): string {
  const place = JSON.stringify({ topic, partition, offset, key: key === null ? null : key.toString() }).slice(1, -1);
  return `${place},"headers":${writeHeaders(headers)},"timestamp":${JSON.stringify(timestamp)}}`;
}
