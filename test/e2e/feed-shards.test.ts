import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConfigObject, createGateway, type TopicRecord } from '../../src/index.ts';
import { until } from '../helpers/gateway-process.ts';
import { SymbolExchange, symbolsFrom } from '../helpers/symbol-exchange.ts';

/** Symbols that a server allows on a connection. */
const LIMIT = 10;

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
  const exchange = await SymbolExchange.start(t, { limit: LIMIT });
  write(symbolsFrom(1, 35));
  const { records } = await run(t, { file: { path, reload: '100ms' } }, exchange.url);
  await exchange.becomes(symbolsFrom(1, 35));
  assert.equal(exchange.live.length, 4);

  exchange.orders.length = 0;
  const changed = [...symbolsFrom(1, 4), ...symbolsFrom(8, 24), ...symbolsFrom(31, 35), ...symbolsFrom(101, 105)];
  write(changed);
  await exchange.becomes(changed);
  const moved = exchange.orders.flatMap(({ op, symbols }) => symbols.map((symbol) => `${op} ${symbol}`)).sort();
  const expected = [...symbolsFrom(5, 7), ...symbolsFrom(25, 30)].map((symbol) => `unsubscribe ${symbol}`);
  assert.deepEqual(moved, [...expected, ...symbolsFrom(101, 105).map((symbol) => `subscribe ${symbol}`)].sort());

  // The order of the lines, a line that is there twice, a file without symbols, and one that is not there change nothing.
  exchange.orders.length = 0;
  const reversed = [...changed].reverse();
  for (const damage of [() => write(reversed), () => write([...changed, 'S1']), () => write([]), () => rmSync(path)]) {
    damage();
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(exchange.subscribed, [...changed].sort());
    assert.deepEqual(exchange.orders, []);
  }

  write(symbolsFrom(1, 3));
  await exchange.becomes(symbolsFrom(1, 3));
  await until(
    async () => exchange.live.length === 1,
    5_000,
    () => `${exchange.live.length} connections`,
  );
  assert.equal(exchange.connections.length, 4);
  assert.deepEqual(exchange.refused, []);
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
  const exchange = await SymbolExchange.start(t, { limit: LIMIT });
  const topics = { out: { partitions: 1 }, symbols: { partitions: 2, config: { 'cleanup.policy': 'compact' } } };
  const log = { embedded: { memory: true }, topics };
  const { gateway } = await run(t, { topic: { name: 'symbols' } }, exchange.url, log);
  const set = (symbols: readonly string[], value: string | null) =>
    Promise.all(symbols.map((key) => gateway.topic('symbols').publish({ key, value })));
  await set(symbolsFrom(1, 12), '{}');
  await exchange.becomes(symbolsFrom(1, 12));
  await set(symbolsFrom(2, 5), null);
  await set(['S99'], '{}');
  await exchange.becomes(['S1', 'S99', ...symbolsFrom(6, 12)]);
  assert.deepEqual(exchange.refused, []);
});
