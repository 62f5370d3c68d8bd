// Slow: each exchange is read for some seconds, so that its pings and limits matter.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createGateway, type Gateway, type TopicRecord } from '../../src/index.ts';
import { Binance } from '../helpers/exchange-binance.ts';
import { Bitfinex } from '../helpers/exchange-bitfinex.ts';
import { Coinbase } from '../helpers/exchange-coinbase.ts';
import { Htx } from '../helpers/exchange-htx.ts';
import { Kraken } from '../helpers/exchange-kraken.ts';
import { KrakenFutures } from '../helpers/exchange-kraken-futures.ts';
import { Kucoin } from '../helpers/exchange-kucoin.ts';
import { FASTER, type Market } from '../helpers/exchange-market.ts';
import { Okx } from '../helpers/exchange-okx.ts';
import { SocketIo } from '../helpers/exchange-socket-io.ts';
import { Stomp } from '../helpers/exchange-stomp.ts';
import { until } from '../helpers/gateway-process.ts';

const FOLDER = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/') ? '../../../config/examples/feeds' : '../../config/examples/feeds',
    import.meta.url,
  ),
);

const MARKETS: Readonly<Record<string, () => Market>> = {
  'binance.yaml': () => new Binance(),
  'bitfinex.yaml': () => new Bitfinex(),
  'coinbase.yaml': () => new Coinbase(),
  'htx.yaml': () => new Htx(),
  'kraken-futures.yaml': () => new KrakenFutures(),
  'kraken.yaml': () => new Kraken(),
  'kucoin.yaml': () => new Kucoin(),
  'okx.yaml': () => new Okx(),
  'socket-io.yaml': () => new SocketIo(),
  'stomp.yaml': () => new Stomp(),
};

/** Milliseconds of trades in all, longer than the limits of time of the exchanges. */
const DURATION = 11_000;

test('each example of a feed has an exchange here', () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), Object.keys(MARKETS).sort());
});

describe('an example gets each trade once and in order, across a new connection and a cut', {
  concurrency: true,
}, () => {
  for (const [name, make] of Object.entries(MARKETS))
    test(name, async (t) => {
      const market = await make().start(t);
      const records: TopicRecord[] = [];
      const gaps: TopicRecord[] = [];
      const gateway = await run(t, name, market);
      gateway.topic('trades').records$.subscribe((record) => records.push(record));
      gateway.topic('trades.gaps').records$.subscribe((record) => gaps.push(record));
      await gateway.start();
      await served(market, 0);

      await tradeUntil(market, () => market.trades.length >= 100);
      const before = market.newest;
      if (market.announce !== undefined) {
        if (!market.keepsTrades) await pause(300);
        market.announce();
        if (!market.keepsTrades) await served(market, before);
        await tradeUntil(market, () => market.isServed(before));
      }
      const end = performance.now() + DURATION;
      await tradeUntil(market, () => performance.now() > end);

      await pause(300);
      assert.deepEqual(market.violations, []);
      const newest = market.newest;
      market.cut();
      if (market.hasSnapshots) for (let n = 0; n < 20; n += 1) market.trade();
      await served(market, newest);
      const last = market.trades.length + 100;
      await tradeUntil(market, () => market.trades.length >= last);

      await until(
        () => records.length >= market.trades.length && gaps.length > 0,
        20_000,
        () => `${records.length} records of ${market.trades.length} trades`,
      );
      await pause(200);
      assert.deepEqual(market.violations, []);
      for (const symbol of market.symbols) {
        const stored = records.filter(({ key }) => String(key) === symbol);
        const ids = stored.map(({ value }) => market.idOf(JSON.parse(String(value))));
        assert.deepEqual(ids, market.idsOf(symbol), symbol);
      }
      assert.equal(records.length, market.trades.length);
      // The cut is a gap, and trades that are numbered show no other one.
      const reasons = gaps.map(({ value }) => (JSON.parse(String(value)) as { gap: { reason: string } }).gap.reason);
      assert.ok(
        reasons.every((reason) => !reason.includes('sequence')),
        reasons.join('\n'),
      );
    });
});

/** A gateway of an example, for which time goes faster, most of all 23h: only durations, addresses and the folder differ. */
async function run(t: TestContext, name: string, market: Market): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  const env: Readonly<Record<string, string>> = {
    ...{ KAFKA_DRIVER: 'embedded', DATA_DIR: folder, ADMIN_PORT: '0' },
    ...{ FEED_URL: market.url, ...market.env },
  };
  const config = readFileSync(join(FOLDER, name), 'utf8')
    .replaceAll(/\$\{([A-Z_]+):([^}]*)\}/g, (_, variable: string, value: string) => env[variable] ?? value)
    .replaceAll('23h', '25s')
    .replaceAll(/(?<!\/)\b(\d+)(ms|s)(?=[ ,}\n])/g, (_, count: string, unit: string) =>
      unit === 's' ? `${(Number(count) * 1_000) / FASTER}ms` : `${count}ms`,
    );
  const gateway = await createGateway({ config });
  t.after(async () => {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return gateway;
}

async function served(market: Market, number: number): Promise<void> {
  await until(
    () => market.isServed(number),
    20_000,
    () => `no subscription: ${market.violations.join(', ')}`,
  );
}

/** A trade every 10 ms. */
async function tradeUntil(market: Market, isDone: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isDone()) {
    assert.ok(performance.now() < end, `no end: ${market.violations.join(', ')}`);
    market.trade();
    await pause(10);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
