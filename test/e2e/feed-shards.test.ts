import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConfigObject, createGateway, type TopicRecord } from '../../src/index.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

/** Symbols that a server allows on a connection. */
const LIMIT = 10;

interface Order {
  readonly op: 'subscribe' | 'unsubscribe';
  readonly symbols: readonly string[];
}

/** An exchange that sends the subscribed symbols every 5 ms, numbered by symbol, and closes a connection that has too many. */
async function exchange(t: TestContext) {
  const next = new Map<string, number>();
  const holders = new Map<string, Set<object>>();
  const orders: (Order & { readonly connection: number })[] = [];
  const refused: string[] = [];
  let count = 0;
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      count += 1;
      const connection = count;
      const symbols = new Set<string>();
      const leave = (symbol: string) => {
        symbols.delete(symbol);
        holders.get(symbol)?.delete(ws);
      };
      ws.on('message', (data) => {
        const order = JSON.parse(String(data)) as Order;
        orders.push({ ...order, connection });
        for (const symbol of order.symbols) {
          if (order.op === 'unsubscribe') leave(symbol);
          else {
            const holding = holders.get(symbol) ?? new Set();
            holders.set(symbol, holding);
            if (holding.size > 0) refused.push(`${symbol} has two connections`);
            holding.add(ws);
            symbols.add(symbol);
          }
        }
        if (symbols.size > LIMIT) {
          refused.push(`connection ${connection} has ${symbols.size} symbols`);
          ws.close(1008, 'too many symbols');
        }
        ws.send(JSON.stringify({ ok: order.op }));
      });
      const timer = setInterval(() => {
        for (const symbol of symbols) {
          const n = (next.get(symbol) ?? 0) + 1;
          next.set(symbol, n);
          ws.send(JSON.stringify({ symbol, n }));
        }
      }, 5);
      ws.on('close', () => {
        clearInterval(timer);
        for (const symbol of [...symbols]) leave(symbol);
      });
    },
  });
  const subscribed = () => [...holders].filter(([, holding]) => holding.size > 0).map(([symbol]) => symbol);
  return { server, orders, refused, subscribed };
}

const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `S${from + at}`);

async function run(t: TestContext, shards: object, url: string, log: object = { embedded: { memory: true } }) {
  const gateway = await createGateway({
    config: {
      log: { driver: 'embedded', topics: { out: { partitions: 1 } }, ...log },
      pipelines: {
        feed: {
          source: {
            websocket_client: {
              url,
              shards: {
                per_connection: LIMIT,
                per_message: 4,
                connect_interval: '20ms',
                unsubscribe: {
                  send: { op: 'unsubscribe', symbols: '${! meta.shard.symbols }' },
                  expect: { ok: 'unsubscribe' },
                },
                ...shards,
              },
              subscribe: {
                send: { op: 'subscribe', symbols: '${! meta.shard.symbols }' },
                expect: { ok: 'subscribe' },
              },
              sequence: { value: '${! json.n }', by: '${! json.symbol }' },
              gap: { record: true },
            },
          },
          sink: { topic: { name: 'out' } },
        },
      },
    } as ConfigObject,
  });
  t.after(() => gateway.stop());
  const records: TopicRecord[] = [];
  gateway.topic('out').records$.subscribe((record) => records.push(record));
  await gateway.start();
  return { gateway, records };
}

test('a file of symbols is spread over connections, and only its changes are subscribed or unsubscribed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-shards-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'symbols.txt');
  const write = (symbols: readonly string[]) => {
    writeFileSync(`${path}.new`, `# symbols\n${symbols.join('\n')}\n`);
    renameSync(`${path}.new`, path);
  };
  const { server, orders, refused, subscribed } = await exchange(t);
  const becomes = (symbols: readonly string[]) =>
    until(
      async () => subscribed().sort().join() === [...symbols].sort().join(),
      20_000,
      () => `subscribed: ${subscribed().sort().join()}`,
    );
  write(names(1, 35));
  const { records } = await run(t, { file: { path, reload: '100ms' } }, server.url);
  await becomes(names(1, 35));
  assert.equal(server.live.length, 4);

  orders.length = 0;
  const changed = [...names(1, 4), ...names(8, 24), ...names(31, 35), ...names(101, 105)];
  write(changed);
  await becomes(changed);
  const moved = orders.flatMap(({ op, symbols }) => symbols.map((symbol) => `${op} ${symbol}`)).sort();
  const expected = [...names(5, 7), ...names(25, 30)].map((symbol) => `unsubscribe ${symbol}`);
  assert.deepEqual(moved, [...expected, ...names(101, 105).map((symbol) => `subscribe ${symbol}`)].sort());

  // A file without symbols, and one that is not there, change nothing.
  for (const damage of [() => write([]), () => rmSync(path)]) {
    damage();
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(subscribed().sort(), [...changed].sort());
  }

  write(names(1, 3));
  await becomes(names(1, 3));
  await until(
    async () => server.live.length === 1,
    5_000,
    () => `${server.live.length} connections`,
  );
  assert.equal(server.connections.length, 4);
  assert.deepEqual(refused, []);
  const values = records.map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>);
  assert.deepEqual(
    values.filter((value) => !('symbol' in value)),
    [],
    'no reply and no gap is a record',
  );
  const last = new Map<string, number>();
  for (const { symbol, n } of values as { symbol: string; n: number }[]) {
    assert.ok(n === (last.get(symbol) ?? 0) + 1, `${symbol}: ${n} after ${last.get(symbol)}`);
    last.set(symbol, n);
  }
  assert.ok((last.get('S1') ?? 0) > 100);
});

test('the keys of a compacted topic are symbols, and a tombstone removes one', async (t) => {
  const { server, refused, subscribed } = await exchange(t);
  const topics = { out: { partitions: 1 }, symbols: { partitions: 2, config: { 'cleanup.policy': 'compact' } } };
  const log = { embedded: { memory: true }, topics };
  const { gateway } = await run(t, { topic: { name: 'symbols' } }, server.url, log);
  const set = (symbols: readonly string[], value: string | null) =>
    Promise.all(symbols.map((key) => gateway.topic('symbols').publish({ key, value })));
  const becomes = (symbols: readonly string[]) =>
    until(
      async () => subscribed().sort().join() === [...symbols].sort().join(),
      20_000,
      () => `subscribed: ${subscribed().sort().join()}`,
    );
  await set(names(1, 12), '{}');
  await becomes(names(1, 12));
  await set(names(2, 5), null);
  await set(['S99'], '{}');
  await becomes(['S1', 'S99', ...names(6, 12)]);
  assert.deepEqual(refused, []);
});
