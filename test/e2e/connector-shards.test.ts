import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Batch } from '../../src/core/batch.ts';
import { Message } from '../../src/core/message.ts';
import { startConnect } from '../helpers/connect-gateway.ts';
import type { FeedConnection } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';
import { SymbolExchange, symbolsFrom } from '../helpers/symbol-exchange.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

/** Symbols of a connection. */
const LIMIT = 5;

type Gateway = Awaited<ReturnType<typeof startConnect>>;

const order = (op: string) =>
  JSON.stringify({ send: { op, symbols: '${! meta.shard.symbols }' }, expect: { ok: op }, timeout: '5s' });

/** S4's class, with a list of symbols for two tasks. */
const configOf = (url: string, more: Record<string, string>) => ({
  'connector.class': 'io.conduktor.connect.websocket.WebSocketSourceConnector',
  'tasks.max': '2',
  'websocket.url': url,
  'websocket.subscription.message': order('subscribe'),
  'websocket.shards.unsubscribe.message': order('unsubscribe'),
  'websocket.shards.per.connection': String(LIMIT),
  'websocket.shards.per.message': '3',
  'websocket.shards.connect.interval.ms': '10',
  'websocket.reconnect.interval.ms': '50',
  'websocket.resume.cursor': '${! json.n }',
  'kafka.topic': 'trades',
  ...more,
});

/** The topics of a test, and how its symbols are written. */
function topicsOf(symbols: string, trades: string) {
  const topics = {
    [symbols]: { partitions: 2, config: { 'cleanup.policy': 'compact' } },
    [trades]: { partitions: 1 },
  };
  const set = ({ gateway }: Gateway, keys: readonly string[], meta: { readonly tombstone?: boolean } = {}) => {
    const records = keys.map((key) => new Message(Buffer.from(meta.tombstone ? '' : '1'), { key, meta }));
    gateway.context.topic(symbols).write(new Batch(records));
  };
  return { topics, set };
}

/** Resolves with how many symbols each task has, once they are so many in all. */
async function symbolsByTask(gateways: readonly Gateway[], total: number): Promise<Record<string, number>> {
  let found: Record<string, number> = {};
  await until(
    async () => {
      const pages = await Promise.all(
        gateways.map(async ({ gateway }) => (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text()),
      );
      const lines = pages
        .join('\n')
        .matchAll(/^tidegate_remote_symbols\{component="connectors\.x\/(\d)[^}]*\} (\d+)/gm);
      found = Object.fromEntries([...lines].map(([, task, count]) => [task, Number(count)]));
      return Object.values(found).reduce((sum, count) => sum + count, 0) === total;
    },
    20_000,
    () => JSON.stringify(found),
  );
  return found;
}

/** The symbols of each connection. */
const groupsOf = (exchange: SymbolExchange, connections: readonly FeedConnection[]) =>
  connections.map((connection) => exchange.symbolsOf(connection)).sort();

async function started(t: TestContext) {
  const exchange = await SymbolExchange.start(t, { limit: LIMIT });
  const { topics, set } = topicsOf('symbols', 'trades');
  const gateway = await startConnect(t, { log: { topics }, admin: { port: 0 } });
  return { exchange, gateway, set, api: gateway.api };
}

test('two tasks share a topic of symbols: each symbol is subscribed at one task, also after changes', async (t) => {
  const { exchange, gateway, set, api } = await started(t);
  set(gateway, symbolsFrom(1, 40));
  const config = configOf(exchange.url, { 'websocket.shards.topic': 'symbols' });
  assert.equal((await api.call('POST', '/connectors', { name: 'x', config })).status, 201);
  await api.state('x', 'RUNNING', 2);
  await exchange.becomes(symbolsFrom(1, 40));
  const before = await symbolsByTask([gateway], 40);
  assert.deepEqual(Object.keys(before).sort(), ['0', '1']);
  for (const count of Object.values(before)) assert.ok(count >= 10, JSON.stringify(before));

  exchange.orders.length = 0;
  set(gateway, symbolsFrom(3, 12), { tombstone: true });
  set(gateway, symbolsFrom(101, 110));
  const changed = [...symbolsFrom(1, 2), ...symbolsFrom(13, 40), ...symbolsFrom(101, 110)];
  await exchange.becomes(changed);
  const moved = exchange.orders.flatMap(({ op, symbols }) => symbols.map((symbol) => `${op} ${symbol}`));
  const expected = symbolsFrom(101, 110).map((symbol) => `subscribe ${symbol}`);
  assert.deepEqual(moved.filter((each) => each.startsWith('s')).sort(), expected.sort());

  // A task that is restarted subscribes again to its own symbols, on connections that have the same as before.
  const all = exchange.live;
  const groups = groupsOf(exchange, all);
  const groupOf = new Map(all.map((connection) => [connection, exchange.symbolsOf(connection)]));
  assert.equal((await api.call('POST', '/connectors/x/tasks/0/restart')).status, 204);
  await until(
    () => all.some(({ isOpen }) => !isOpen),
    10_000,
    () => 'the task was not restarted',
  );
  await until(
    () => isDeepStrictEqual(groupsOf(exchange, exchange.live), groups),
    20_000,
    () => `${groupsOf(exchange, exchange.live).join(' ')} in place of ${groups.join(' ')}`,
  );
  const own = all.filter(({ isOpen }) => !isOpen).map((connection) => groupOf.get(connection) ?? '');
  await exchange.becomes(changed);
  assert.ok(own.length > 0 && own.length < all.length, `${own.length} of ${all.length} connections were closed`);
  assert.equal(own.join().split(',').length, (await symbolsByTask([gateway], 40))['0']);

  // The list changes while a task is restarted.
  await api.state('x', 'RUNNING', 2);
  const restarted = api.call('POST', '/connectors/x/tasks/1/restart');
  set(gateway, symbolsFrom(13, 22), { tombstone: true });
  set(gateway, symbolsFrom(201, 215));
  assert.equal((await restarted).status, 204);
  await exchange.becomes([...changed.filter((each) => !symbolsFrom(13, 22).includes(each)), ...symbolsFrom(201, 215)]);
  assert.deepEqual(exchange.refused, []);

  set(gateway, exchange.subscribed, { tombstone: true });
  await until(
    () => exchange.live.length === 0,
    10_000,
    () => `${exchange.live.length} connections have no symbols`,
  );
  await api.state('x', 'RUNNING', 2);
});

test('a connector with a share reads that part of its list, by one task', async (t) => {
  const { exchange, api } = await started(t);
  const list = { 'websocket.shards.list': symbolsFrom(1, 30).join() };
  for (const share of ['1/2', '2/2']) {
    const config = configOf(exchange.url, { ...list, 'websocket.shards.share': share });
    const name = `x${share[0]}`;
    assert.equal((await api.call('POST', '/connectors', { name, config })).status, 201);
    await api.state(name, 'RUNNING', 1);
  }
  await exchange.becomes(symbolsFrom(1, 30));
  // A list that changes restarts the task: what stays is subscribed to by the same connector.
  const config = configOf(exchange.url, {
    'websocket.shards.list': symbolsFrom(11, 40).join(),
    'websocket.shards.share': '1/2',
  });
  await api.call('PUT', '/connectors/x1/config', config);
  await api.call('PUT', '/connectors/x2/config', { ...config, 'websocket.shards.share': '2/2' });
  await exchange.becomes(symbolsFrom(11, 40));
  assert.deepEqual(exchange.refused, []);
});

test('tasks of a list of symbols move between gateways, and each symbol has one task', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const exchange = await SymbolExchange.start(t, { limit: LIMIT });
  const [prefix, symbols, trades] = [`_${uniqueTopic('connect')}`, uniqueTopic('symbols'), uniqueTopic('trades')];
  const { topics, set } = topicsOf(symbols, trades);
  const start = () =>
    startConnect(t, {
      log: { driver: 'kafkajs', brokers: kafka.brokers.split(','), topics },
      admin: { port: 0, host: '127.0.0.1' },
      connect: { group: prefix, topics: prefix, session_timeout: '6s' },
    });
  const first = await start();
  set(first, symbolsFrom(1, 40));
  const config = configOf(exchange.url, {
    'tasks.max': '4',
    'websocket.shards.topic': symbols,
    'kafka.topic': trades,
  });
  assert.equal((await first.api.call('POST', '/connectors', { name: 'x', config })).status, 201);
  await exchange.becomes(symbolsFrom(1, 40));
  const second = await start();
  const workers = async ({ api }: Gateway) => {
    const { body } = await api.state('x', 'RUNNING', 4);
    return new Set(body.tasks.map((task: { worker_id: string }) => task.worker_id));
  };
  await until(
    async () => (await workers(first)).size === 2,
    30_000,
    () => 'the second gateway has no task',
  );
  await exchange.becomes(symbolsFrom(1, 40));
  assert.equal(Object.keys(await symbolsByTask([first, second], 40)).length, 4);

  set(second, symbolsFrom(1, 10), { tombstone: true });
  set(second, symbolsFrom(101, 120));
  await exchange.becomes([...symbolsFrom(11, 40), ...symbolsFrom(101, 120)]);
  const stopped = first.gateway.stop();
  set(second, symbolsFrom(201, 205));
  await stopped;
  await exchange.becomes([...symbolsFrom(11, 40), ...symbolsFrom(101, 120), ...symbolsFrom(201, 205)]);
  assert.equal((await workers(second)).size, 1);
  assert.deepEqual(exchange.refused, []);
});
