import assert from 'node:assert/strict';
import { test } from 'node:test';
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
