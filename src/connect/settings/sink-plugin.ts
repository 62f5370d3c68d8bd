import { jsonObject, topic } from './conversions.ts';
import { readAs } from './converted-values.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';
import type { ConnectorPlugin } from './plugin.ts';
import { reconnectOf, remoteDefinitions, subscribeOf } from './remote-definitions.ts';
import { groupOfSink } from './sink-group.ts';
import { hasTransforms } from './transform-chain.ts';

const SINK = 'sink.websocket_client';

const delivery: readonly Definition[] = inOrder('Delivery', [
  {
    name: 'topics',
    type: 'LIST',
    default: undefined,
    importance: 'HIGH',
    documentation: 'Topics whose records are sent.',
    width: 'LONG',
    displayName: 'Topics',
    path: 'source.topic.names',
    convert: (text, internal) => text.split(',').map((name) => topic(name, internal)),
  },
  {
    name: 'websocket.url',
    type: 'STRING',
    default: undefined,
    secrets: 'url',
    importance: 'HIGH',
    documentation: 'Server to send to, ws:// or wss://.',
    width: 'LONG',
    displayName: 'URL',
    path: `${SINK}.url`,
  },
  {
    name: 'websocket.frame',
    type: 'STRING',
    default: 'text',
    oneOf: ['text', 'binary', 'as_is'],
    importance: 'LOW',
    documentation: 'How values are sent; text has to be UTF-8. as_is: what is UTF-8 as text, the rest as binary.',
    width: 'SHORT',
    displayName: 'Frame',
    path: `${SINK}.frame`,
  },
  {
    name: 'websocket.confirm',
    type: 'STRING',
    default: 'written',
    oneOf: ['written', 'pong', 'reply'],
    importance: 'MEDIUM',
    documentation:
      'When a record is done. written: the operating system has it. pong: the server has answered a ping that was sent behind it. reply: the server has replied to it, see websocket.replies.',
    width: 'SHORT',
    displayName: 'Confirmation',
    path: `${SINK}.confirm`,
  },
  {
    name: 'websocket.replies',
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation:
      'How the server replies to a record, for websocket.confirm=reply: an object in JSON, such as {"record":"${! json.id }","reply":"${! json.re }","reject":{"ok":false},"timeout":"10s","tries":3}.',
    width: 'LONG',
    displayName: 'Replies',
    path: `${SINK}.replies`,
    convert: jsonObject,
  },
  {
    name: 'websocket.tombstones',
    type: 'STRING',
    default: 'skip',
    oneOf: ['skip', 'send'],
    importance: 'LOW',
    documentation:
      'What happens to records without a value. skip: they count as done and are not sent. send: each is an empty message.',
    width: 'SHORT',
    displayName: 'Tombstones',
    path: `${SINK}.tombstones`,
  },
]);

export const sinkPlugin: ConnectorPlugin = {
  type: 'sink',
  classes: ['tidegate.WebSocketSinkConnector'],
  taskClass: 'WebSocketSinkTask',
  definitions: [...delivery, ...remoteDefinitions(SINK)],
  mistakes: () => [],
  // Each task is a member of the group, and gets its share of the partitions by that.
  assign: (values) => Array.from({ length: values.number('tasks.max') }, () => ({})),
  settings: (values, name) => ({
    'source.topic.from': 'earliest',
    'source.topic.group': groupOfSink(name),
    [`${SINK}.subscribe`]: subscribeOf(values, values.settings('websocket.subscription.message')),
    ...reconnectOf(values, SINK),
    // Transforms read the value themselves.
    processors: hasTransforms(values) ? [] : readAs(values),
  }),
  owners: [
    [`${SINK}.subscribe.interval`, 'websocket.subscribe.interval.ms'],
    [`${SINK}.subscribe`, 'websocket.subscription.message'],
    [`${SINK}.reconnect`, 'websocket.reconnect.interval.ms'],
    ['sink', 'websocket.url'],
    ['source', 'topics'],
  ],
};
