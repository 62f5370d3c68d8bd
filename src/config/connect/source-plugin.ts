import { headers, jsonList, milliseconds, topic } from './conversions.ts';
import { writtenAs } from './converted-values.ts';
import { type Definition, type FlatConfig, missing } from './definition.ts';
import { inOrder } from './in-order.ts';
import type { ConnectorPlugin } from './plugin.ts';
import { reconnectOf, remoteDefinitions } from './remote-definitions.ts';
import type { Values } from './values.ts';

const SOURCE = 'source.websocket_client';

const feed: readonly Definition[] = [
  ...inOrder('Feed', [
    {
      name: 'websocket.url',
      type: 'STRING',
      default: null,
      secrets: 'url',
      importance: 'HIGH',
      documentation:
        'Server to connect to, ws:// or wss://. ${! meta.token } and ${! meta.cursor } are filled in at each connect.',
      width: 'LONG',
      displayName: 'URL',
    },
    {
      name: 'websocket.urls',
      type: 'LIST',
      default: null,
      secrets: 'url',
      importance: 'MEDIUM',
      documentation: 'Several servers, dealt to the tasks; in place of websocket.url. A comma of a URL is written %2C.',
      width: 'LONG',
      displayName: 'URLs',
    },
    {
      name: 'kafka.topic',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Topic that the messages go to.',
      width: 'MEDIUM',
      displayName: 'Topic',
      path: 'sink.topic.name',
      convert: topic,
    },
    {
      name: 'websocket.subscriptions',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'MEDIUM',
      documentation:
        'Messages that are dealt to the tasks: a list in JSON of texts, objects, or {"send":...,"expect":...,"reject":...,"timeout":"10s"} where a reply is waited for. Each task has a connection of its own and sends its share in this order.',
      width: 'LONG',
      displayName: 'Subscriptions',
      convert: jsonList,
    },
    {
      name: 'websocket.message.queue.size',
      type: 'INT',
      default: '10000',
      min: 1,
      importance: 'MEDIUM',
      documentation:
        'Most messages of a task that are not in Kafka yet. Then its socket is not read, so that TCP slows the server down.',
      width: 'SHORT',
      displayName: 'Queue size',
    },
    {
      name: 'websocket.message.overflow',
      type: 'STRING',
      default: 'pause',
      oneOf: ['pause', 'drop_oldest', 'drop_newest'],
      importance: 'LOW',
      documentation:
        'What happens above that: pause, or drop_oldest or drop_newest for a server that must not be slowed down. Each drop is counted.',
      width: 'SHORT',
      displayName: 'Overflow',
      path: `${SOURCE}.overflow`,
    },
  ]),
  ...inOrder('Record', [
    {
      name: 'websocket.record.key',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'Key of the record, such as ${! json.symbol }; no key where it is not given.',
      width: 'MEDIUM',
      displayName: 'Key',
      path: 'sink.topic.key',
    },
    {
      name: 'websocket.record.timestamp',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Timestamp of the record, such as ${! json.time }: milliseconds, or ISO 8601. Else that of its arrival.',
      width: 'MEDIUM',
      displayName: 'Timestamp',
    },
    {
      name: 'websocket.record.headers',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'Headers of the record: an object in JSON whose values may be expressions.',
      width: 'LONG',
      displayName: 'Record headers',
      path: 'sink.topic.headers',
      convert: headers,
    },
  ]),
  ...inOrder('Resume', [
    {
      name: 'websocket.resume.cursor',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Where a message stands in the feed, such as ${! json.seq }. The last one is kept as the source offset.',
      width: 'MEDIUM',
      displayName: 'Cursor',
      path: `${SOURCE}.resume.cursor`,
    },
    {
      name: 'websocket.resume.message',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation:
        'Sent behind the subscriptions once there is a cursor, which is ${! meta.cursor } here and in those.',
      width: 'LONG',
      displayName: 'Resume message',
      path: `${SOURCE}.resume.message`,
    },
    {
      name: 'websocket.dedupe.id',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'What tells a message from all others, such as ${! json.id }; one that came before is dropped.',
      width: 'MEDIUM',
      displayName: 'Id',
      path: `${SOURCE}.dedupe.id`,
    },
    {
      name: 'websocket.dedupe.window',
      type: 'INT',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'How many ids are remembered at most.',
      width: 'SHORT',
      displayName: 'Remembered ids',
      path: `${SOURCE}.dedupe.window`,
    },
    {
      name: 'websocket.dedupe.within.ms',
      type: 'LONG',
      default: null,
      min: 0,
      importance: 'LOW',
      documentation:
        'How long an id is remembered at most, from the message that had it first: ten minutes where it is not given; 0 for as long as it is among the remembered ones.',
      width: 'SHORT',
      displayName: 'Remembered for',
      path: `${SOURCE}.dedupe.within`,
      convert: milliseconds,
    },
    {
      name: 'websocket.ack.message',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation: 'Answer to a message once its record is in Kafka, such as {"ack":${! json.id }}.',
      width: 'LONG',
      displayName: 'Acknowledgement',
      path: `${SOURCE}.ack.message`,
    },
    {
      name: 'websocket.gap.record',
      type: 'BOOLEAN',
      default: null,
      importance: 'LOW',
      documentation:
        'Whether each time without a connection becomes a record of kafka.topic with the header tidegate-gap.',
      width: 'SHORT',
      displayName: 'Gap records',
      path: `${SOURCE}.gap.record`,
    },
    {
      name: 'websocket.gap.topic',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'Topic that gets such records instead.',
      width: 'MEDIUM',
      displayName: 'Topic of gaps',
      path: `${SOURCE}.gap.topic`,
      convert: topic,
    },
  ]),
];

/** Most messages of a batch, where the queue is large enough for that. */
const BATCH = 500;

export const sourcePlugin: ConnectorPlugin = {
  type: 'source',
  classes: ['io.conduktor.connect.websocket.WebSocketSourceConnector', 'tidegate.WebSocketSourceConnector'],
  taskClass: 'WebSocketSourceTask',
  definitions: [...feed, ...remoteDefinitions(SOURCE)],
  complaints: (values) => {
    const [one, many] = [values.has('websocket.url'), values.has('websocket.urls')];
    if (one && many) return [['websocket.urls', 'Give websocket.url or websocket.urls, not both']];
    return one || many ? [] : [['websocket.url', missing('websocket.url')]];
  },
  deal,
  settings: (values) => ({
    [`${SOURCE}.url`]: urlsOf(values),
    [`${SOURCE}.subscribe`]: [
      ...values.settings('websocket.subscription.message'),
      ...values.settings('websocket.subscriptions'),
    ],
    [`${SOURCE}.reconnect`]: reconnectOf(values),
    ...queueOf(values),
    processors: processorsOf(values),
  }),
  owners: [
    [`${SOURCE}.url`, 'websocket.url'],
    [`${SOURCE}.reconnect`, 'websocket.reconnect.interval.ms'],
    // The message comes first, where there is one.
    [`${SOURCE}.subscribe[0]`, 'websocket.subscription.message'],
    [`${SOURCE}.subscribe`, 'websocket.subscriptions'],
    ['processors', 'websocket.record.timestamp'],
    ['sink', 'kafka.topic'],
  ],
};

function urlsOf(values: Values): readonly string[] {
  return values.has('websocket.urls') ? values.list('websocket.urls') : values.list('websocket.url');
}

/** Servers are dealt out where there are several, else subscriptions. */
function deal(values: Values): FlatConfig[] {
  const urls = urlsOf(values);
  const subscriptions = values.settings('websocket.subscriptions');
  if (urls.length > 1)
    return shares(urls, values.number('tasks.max')).map((share) => ({ 'websocket.urls': share.join(',') }));
  if (subscriptions.length < 2) return [{}];
  return shares(subscriptions, values.number('tasks.max')).map((share) => ({
    'websocket.subscriptions': JSON.stringify(share),
  }));
}

/** One after the other to each task; no task is empty. */
function shares<T>(parts: readonly T[], most: number): T[][] {
  const count = Math.min(most, parts.length);
  return Array.from({ length: count }, (_, task) => parts.filter((_part, index) => index % count === task));
}

function queueOf(values: Values): Record<string, unknown> {
  const size = values.number('websocket.message.queue.size');
  // The gate shuts at its mark, and a batch may be at most half of what it lets in.
  const messages = Math.max(2, size);
  return {
    'in_flight.messages': messages,
    'batch.count': Math.min(BATCH, Math.floor(messages / 2)),
    [`${SOURCE}.buffer.messages`]: size,
  };
}

function processorsOf(values: Values): unknown[] {
  const timestamp = values.text('websocket.record.timestamp');
  return [...writtenAs(values), ...(timestamp === undefined ? [] : [{ map: { timestamp } }])];
}
