import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { PriceClient, pricesConfig, publishPrices, startPrices, temporaryLog } from '../helpers/price-gateway.ts';

const SYMBOLS = ['A', 'B'];

test('what is kept of channels goes on when their pipeline is replaced by a reload', async (t) => {
  const settings = { log: await temporaryLog(t), topic: 'prices', channels: '{ history: { last: 50 } }' };
  const { gateway, url } = await startPrices(t, settings);
  const stays = await PriceClient.open(t, url);
  await stays.subscribe('symbol.A');
  const leaves = await PriceClient.open(t, url);
  const { position } = await leaves.subscribe('symbol.A');
  leaves.client.ws.terminate();
  await publishPrices(url, SYMBOLS, 0, 20);
  await stays.until(() => stays.numbers.length === 10);
  const report = await gateway.reload(
    pricesConfig({ ...settings, processors: '[ { filter: { keep: "${! json.n != 25 }" } } ]' }),
  );
  assert.equal(report.problems.length, 0);
  await publishPrices(url, SYMBOLS, 20, 10);
  await stays.until(() => stays.numbers.length === 15);
  const back = await PriceClient.open(t, url);
  const answer = await back.subscribe('symbol.A', position as string);
  assert.equal(answer.recovered, true);
  const all = Array.from({ length: 15 }, (_, at) => 2 * at);
  await back.until(() => back.numbers.length === 15);
  assert.deepEqual([back.numbers, stays.numbers], [all, all]);
  assert.ok(!stays.frames.some(({ type }) => type === 'gap'));
});

test('a reload that changes the history begins with an empty one, and the log has what clients missed', async (t) => {
  const settings = { log: await temporaryLog(t), topic: 'prices', channels: '{ history: { last: 50 } }' };
  const { gateway, url } = await startPrices(t, settings);
  const before = await PriceClient.open(t, url);
  const { position } = await before.subscribe('symbol.A');
  await publishPrices(url, SYMBOLS, 0, 20);
  await before.until(() => before.numbers.length === 10);
  await gateway.reload(pricesConfig({ ...settings, channels: '{ history: { last: 40 } }' }));
  const lost = await PriceClient.open(t, url);
  assert.equal((await lost.subscribe('symbol.A', position as string)).recovered, false);
  await gateway.reload(pricesConfig({ ...settings, channels: '{ history: { last: 40 }, recover: {} }' }));
  const found = await PriceClient.open(t, url);
  assert.equal((await found.subscribe('symbol.A', position as string)).recovered, true);
  await found.until(() => found.numbers.length === 10);
});

const OUT = /^ {2}prices-out:\n(?: {4}.*\n)+/m;
const SINK = /sink: \{ endpoint: \{ name: prices, (.*) \} \}/;

/** What a reload does with the records of the channels for a while. */
const AWAY: Record<string, (config: string) => string> = {
  'to other channels': (config) => config.replace('symbol.${! key }', 'other.${! key }'),
  'to another endpoint': (config) => config.replace('endpoint: { name: prices,', 'endpoint: { name: others,'),
  'from another topic': (config) => config.replace('names: [ prices ]', 'names: [ elsewhere ]'),
  nowhere: (config) => config.replace(OUT, ''),
  'through another pipeline': (config) => config.replace('prices-out:', 'prices-out-2:'),
  'within another sink': (config) =>
    config.replace(SINK, 'sink: { all: [ { endpoint: { name: prices, $1 } }, { drop: {} } ] }'),
  'in parts': (config) => config.replace('processors: []', 'processors: [ { split: { lines: true } } ]'),
  'beside those of another pipeline': (config) => `${config}${OUT.exec(config)?.[0].replace('out:', 'again:')}`,
  'as before': (config) => config.replace('processors: []', 'batch: { count: 7 }'),
  'by a list of sources': (config) => config.replace(/source: (\{ topic: .*)/, 'source: [ $1 ]'),
};

/** The records that a live client has not received, with no gap in front of the next one. */
function silentlyMissed({ frames }: PriceClient): number[] {
  const missed: number[] = [];
  let next = 0;
  for (const { type, data } of frames) {
    if (type === 'gap') next = Number.NaN;
    if (type !== 'message') continue;
    const { n } = data as { n: number };
    for (let one = next; one < n; one += 2) missed.push(one);
    next = n + 2;
  }
  return missed;
}

for (const [how, change] of Object.entries(AWAY))
  for (const recover of ['', ', recover: {}'])
    test(`no client silently misses records that go ${how} for a while${recover}`, async (t) => {
      const base = pricesConfig({
        log: await temporaryLog(t),
        topic: 'prices',
        channels: `{ history: { last: 50 }${recover} }`,
      })
        .replace('topics: {', 'topics: { elsewhere: { partitions: 3 },')
        .replace(
          'endpoints:',
          'endpoints:\n  others: { listener: public, path: /others, codec: json, direction: out, channels: {} }',
        );
      const { gateway, url } = await startPrices(t, { log: '', topic: '', text: base });
      const stays = await PriceClient.open(t, url);
      await stays.subscribe('symbol.A');
      await publishPrices(url, SYMBOLS, 0, 20);
      await stays.until(() => stays.numbers.length === 10);
      const { position } = stays;
      for (const config of [change(base), base]) {
        assert.deepEqual((await gateway.reload(config)).problems, []);
        await publishPrices(url, SYMBOLS, config === base ? 30 : 20, 10);
      }
      await stays.until(() => stays.numbers.includes(38));
      assert.deepEqual(silentlyMissed(stays), []);
      const isAllThere = new Set(stays.numbers).size === 20;
      if (how === 'as before') assert.ok(!stays.frames.some(({ type }) => type === 'gap'));
      if (how === 'nowhere' || how === 'from another topic') assert.ok(!isAllThere);
      const back = await PriceClient.open(t, url);
      const { recovered } = await back.subscribe('symbol.A', position as string);
      if (recover !== '') assert.equal(recovered, true);
      if (recover === '' && !isAllThere) assert.equal(recovered, false);
      if (recovered !== true) return;
      await back.until(() => back.numbers.includes(38));
      assert.deepEqual(back.numbers, [20, 22, 24, 26, 28, 30, 32, 34, 36, 38]);
    });

/** Two pipelines over one topic, the second of which is slow: what they send their records to. */
function twoPipelines(log: string, [first, second]: readonly [string, string], slow: string): string {
  const pipeline = (channel: string, processors: string) =>
    `{ source: { topic: { names: [ prices ] } }, processors: ${processors}, in_flight: { messages: 10 }, batch: { count: 5 }, sink: { endpoint: { name: prices, channel: "${channel}.\${! key }" } } }`;
  const config = pricesConfig({ log, topic: 'prices', channels: '{ history: { last: 500 } }' });
  const lookup = `[ { lookup: { http: { url: "${slow}/\${! json.n }", concurrency: 1 }, into: x } } ]`;
  return config
    .replace('subscribe: "symbol.*"', 'subscribe: "*"')
    .replace(OUT, `  first: ${pipeline(first, '[]')}\n  second: ${pipeline(second, lookup)}\n`);
}

/** Numbers of a channel, each with whether it is the next one, is behind a gap, or neither. */
function stepsIn({ frames }: PriceClient, channel: string): ('next' | 'gap' | 'lost')[] {
  const steps: ('next' | 'gap' | 'lost')[] = [];
  let next: number | undefined = 0;
  for (const { type, channel: of, data } of frames) {
    if (of !== channel) continue;
    if (type === 'gap') next = undefined;
    if (type !== 'message') continue;
    const { n } = data as { n: number };
    steps.push(next === undefined ? 'gap' : n === next ? 'next' : 'lost');
    next = n + 1;
  }
  return steps;
}

test('two pipelines that swap their channels leave no hole without a gap, and never send to one both', async (t) => {
  const server = createServer((_, response) => void setTimeout(() => response.end('{}'), 10));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const slow = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = await temporaryLog(t);
  const { gateway, url } = await startPrices(t, { log: '', topic: '', text: twoPipelines(log, ['a', 'b'], slow) });
  t.after(() => server.close().closeAllConnections());
  const client = await PriceClient.open(t, url);
  for (const channel of ['a.A', 'b.A']) await client.subscribe(channel);
  // The gateway lets in no client while the slow pipeline catches up.
  const input = await TestClient.open(`${url}/input`);
  t.after(() => input.ws.terminate());
  const publish = (from: number, to: number) => {
    for (let n = from; n < to; n += 1) input.ws.send(JSON.stringify({ symbol: 'A', n }));
    return input.until(() => input.frames.length === to);
  };
  await publish(0, 100);
  assert.deepEqual((await gateway.reload(twoPipelines(log, ['b', 'a'], slow))).problems, []);
  await publish(100, 150);
  for (const channel of ['a.A', 'b.A']) {
    await client.until(() =>
      client.frames.some(({ channel: of, data }) => of === channel && (data as { n?: number } | undefined)?.n === 149),
    );
    const steps = stepsIn(client, channel);
    assert.deepEqual([steps.filter((step) => step === 'gap').length, steps.includes('lost')], [1, false], channel);
  }
});
