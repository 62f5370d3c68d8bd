import { headers, jsonList, milliseconds, topic } from './conversions.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';
import { sequenceDefinitions } from './sequence-definitions.ts';
import { shardDefinitions } from './shard-definitions.ts';

/** Place of the source in the pipeline of a task. */
export const SOURCE = 'source.websocket_client';

/** Settings of source connectors beside those that all connectors have. */
export const sourceDefinitions: readonly Definition[] = [
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
      documentation:
        'Several servers, distributed among the tasks; in place of websocket.url. A comma of a URL is written %2C.',
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
        'Messages that are distributed among the tasks: a list in JSON of texts, objects, or {"send":...,"expect":...,"reject":...,"timeout":"10s"} where a reply is waited for. Each task has a connection of its own and sends its share in this order.',
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
        'The position of a message in the feed, such as ${! json.seq }. The last one is kept as the source offset.',
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
    {
      name: 'websocket.reconnect.overlap.ms',
      type: 'LONG',
      default: null,
      min: 0,
      importance: 'LOW',
      documentation:
        'With it, a connection that is replaced is closed this long after the new one is live; needs websocket.dedupe.id or websocket.resume.cursor.',
      width: 'SHORT',
      displayName: 'Overlap',
      path: `${SOURCE}.reconnect.overlap`,
      convert: milliseconds,
    },
  ]),
  ...sequenceDefinitions(SOURCE),
  ...shardDefinitions(SOURCE),
];
