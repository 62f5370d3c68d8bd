import { type CodecMessage, JsonPath, type Message, type TopicRequest } from '../../sdk/index.ts';
import { isFields, isTopicName, Mistake, quote, topicMistake } from './wire.ts';

type Publish = Extract<TopicRequest, { type: 'publish' }>;
type Headers = CodecMessage['headers'];

const MESSAGE = new JsonPath(['p', 'm']);
const HOW = 'send one such as {"t":"orders","m":"hello"}';

/** The `p` of `notif/create` in that frame: a text goes into the record as it is, any other JSON value as it came. */
export function readNotification(p: unknown, frame: Buffer): Publish | Mistake {
  if (!isFields(p)) return new Mistake('payload', `p ${p === undefined ? 'is missing' : 'must be an object'}; ${HOW}`);
  const { t: topic, m, key, headers } = p;
  if (!isTopicName(topic)) return topicMistake(topic, 'p.t');
  if (m === undefined) return new Mistake('payload', `p.m is missing, which is what is to be published; ${HOW}`);
  if (key !== undefined && key !== null && typeof key !== 'string')
    return new Mistake('payload', 'p.key must be a text');
  if (headers !== undefined && headers !== null && !isHeaders(headers)) return headersMistake(headers);
  const text = typeof m === 'string' ? m : (MESSAGE.textIn(frame) ?? '');
  return {
    type: 'publish',
    topic,
    message: { payload: Buffer.from(text, 'utf8'), key: key ?? null, headers: headers ?? undefined },
  };
}

function isHeaders(headers: unknown): headers is NonNullable<Headers> {
  return isFields(headers) && Object.values(headers).every((value) => typeof value === 'string');
}

function headersMistake(headers: unknown): Mistake {
  const how = 'p.headers must be an object of texts such as {"source":"web"}';
  if (!isFields(headers)) return new Mistake('payload', how);
  const bad = Object.keys(headers).find((name) => typeof headers[name] !== 'string') ?? '';
  return new Mistake('payload', `${how}, and that of "${quote(bad)}" is none`);
}

/**
 * Elements of the list in which records reach a client, with IDs from `firstId` on. Bytes that are no UTF-8 become
 * U+FFFD, because in a text frame they would cost the client its connection (RFC 6455 8.1). A tombstone has no text:
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
  return JSON.stringify({
    topic,
    partition,
    offset,
    key: key === null ? null : key.toString(),
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, value.toString()])),
    timestamp,
  }).slice(1);
}
