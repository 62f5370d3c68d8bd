import { writtenAs } from './converted-values.ts';
import { type FlatConfig, missing } from './definition.ts';
import type { ConnectorPlugin } from './plugin.ts';
import { reconnectOf, remoteDefinitions, subscribeOf } from './remote-definitions.ts';
import { hasShards, LISTS, shardTasks } from './shard-definitions.ts';
import { SOURCE, sourceDefinitions } from './source-definitions.ts';
import { hasTransforms } from './transform-chain.ts';
import type { Values } from './values.ts';

/** Messages of a batch at most, if the queue is large enough for that. */
const MAX_BATCH = 500;

export const sourcePlugin: ConnectorPlugin = {
  type: 'source',
  classes: ['io.conduktor.connect.websocket.WebSocketSourceConnector', 'tidegate.WebSocketSourceConnector'],
  taskClass: 'WebSocketSourceTask',
  definitions: [...sourceDefinitions, ...remoteDefinitions(SOURCE)],
  mistakes: (values) => {
    const [one, many] = [values.has('websocket.url'), values.has('websocket.urls')];
    if (one && many) return [['websocket.urls', 'Give websocket.url or websocket.urls, not both']];
    return one || many ? [] : [['websocket.url', missing('websocket.url')]];
  },
  assign,
  settings: (values) => ({
    [`${SOURCE}.url`]: urlsOf(values),
    [`${SOURCE}.subscribe`]: subscribeOf(values, [
      ...values.settings('websocket.subscription.message'),
      ...values.settings('websocket.subscriptions'),
    ]),
    ...reconnectOf(values, SOURCE),
    ...queueOf(values),
    ...recordOf(values),
  }),
  owners: [
    [`${SOURCE}.url`, 'websocket.url'],
    [`${SOURCE}.reconnect`, 'websocket.reconnect.interval.ms'],
    // The message comes first, where there is one.
    [`${SOURCE}.subscribe[0]`, 'websocket.subscription.message'],
    [`${SOURCE}.subscribe.messages[0]`, 'websocket.subscription.message'],
    [`${SOURCE}.subscribe.interval`, 'websocket.subscribe.interval.ms'],
    [`${SOURCE}.subscribe`, 'websocket.subscriptions'],
    ...LISTS.map((name) => [`${SOURCE}.shards`, name] as const),
    ['processors[0].map.key', 'websocket.record.key'],
    ['processors[0].map.headers', 'websocket.record.headers'],
    ['processors', 'websocket.record.timestamp'],
    ['sink', 'kafka.topic'],
  ],
};

function urlsOf(values: Values): readonly string[] {
  return values.has('websocket.urls') ? values.list('websocket.urls') : values.list('websocket.url');
}

/** Symbols are distributed among the tasks; without them several servers, otherwise subscriptions. */
function assign(values: Values): FlatConfig[] {
  if (hasShards(values)) return shardTasks(values);
  const urls = urlsOf(values);
  const subscriptions = values.settings('websocket.subscriptions');
  if (urls.length > 1)
    return shares(urls, values.number('tasks.max')).map((share) => ({ 'websocket.urls': share.join(',') }));
  if (subscriptions.length < 2) return [{}];
  return shares(subscriptions, values.number('tasks.max')).map((share) => ({
    'websocket.subscriptions': JSON.stringify(share),
  }));
}

/** Round robin; no task is empty. */
function shares<T>(parts: readonly T[], max: number): T[][] {
  const assigned = Array.from({ length: Math.min(max, parts.length) }, (): T[] => []);
  for (const [index, part] of parts.entries()) assigned[index % assigned.length]?.push(part);
  return assigned;
}

function queueOf(values: Values): Record<string, unknown> {
  const size = values.number('websocket.message.queue.size');
  // The gate shuts at its mark, and a batch may be at most half of what it lets in.
  const messages = Math.max(2, size);
  return {
    'in_flight.messages': messages,
    'batch.count': Math.min(MAX_BATCH, Math.floor(messages / 2)),
    [`${SOURCE}.buffer.messages`]: size,
  };
}

function recordOf(values: Values): Record<string, unknown> {
  const timestamp = values.text('websocket.record.timestamp');
  if (!hasTransforms(values))
    return { processors: [...writtenAs(values), ...(timestamp === undefined ? [] : [{ map: { timestamp } }])] };
  // Transforms change the key and the headers that the connector gives, and write the value themselves.
  const facts = {
    key: values.text('websocket.record.key'),
    timestamp,
    headers: values.setting('websocket.record.headers'),
  };
  const given = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
  return {
    'sink.topic.key': undefined,
    'sink.topic.headers': undefined,
    processors: Object.keys(given).length === 0 ? [] : [{ map: given }],
  };
}
