import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { PriceClient, pricesConfig, publishPrices, startPrices, temporaryLog } from '../helpers/price-gateway.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const SYMBOLS = Array.from({ length: 10 }, (_, at) => `S${at}`);
const of = (symbol: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => from + at).filter((n) => n % SYMBOLS.length === symbol);

test('after a restart a client gets exactly what it missed, from the log and from what came since', async (t) => {
  const settings = { log: await temporaryLog(t), topic: 'prices' };
  const first = await startPrices(t, settings);
  const before = await PriceClient.open(t, first.url);
  await before.subscribe('symbol.S3');
  await publishPrices(first.url, SYMBOLS, 0, 100);
  await before.until(() => before.numbers.length === 10);
  const position = before.position;
  before.client.ws.terminate();
  await publishPrices(first.url, SYMBOLS, 100, 2_000);
  await first.gateway.stop();

  const second = await startPrices(t, settings);
  await publishPrices(second.url, SYMBOLS, 2_100, 40);
  const after = await PriceClient.open(t, second.url);
  const answer = await after.subscribe('symbol.S3', position);
  assert.deepEqual([answer.type, answer.recovered, answer.position], ['subscribed', true, position]);
  await publishPrices(second.url, SYMBOLS, 2_140, 10);
  await after.until(() => after.numbers.length === 205);
  assert.deepEqual(after.numbers, of(3, 100, 2_150));
});

test('what the processors make of records is the same when they are read again', async (t) => {
  const processors = `[ { filter: { keep: "\${! json.n % 20 < 10 }" } }, { fields: { set: { again: "\${! key }" } } } ]`;
  const settings = { log: await temporaryLog(t), topic: 'prices', partitions: 1, processors };
  const first = await startPrices(t, settings);
  const before = await PriceClient.open(t, first.url);
  const { position } = await before.subscribe('symbol.S3');
  await publishPrices(first.url, SYMBOLS, 0, 100);
  await before.until(() => before.numbers.length === 5);
  before.client.ws.terminate();
  await first.gateway.stop();
  const second = await startPrices(t, settings);
  const after = await PriceClient.open(t, second.url);
  await after.subscribe('symbol.S3', position as string);
  await after.until(() => after.numbers.length === 5);
  const messages = ({ frames }: PriceClient) => frames.filter(({ type }) => type === 'message');
  assert.deepEqual(messages(after), messages(before));
});

test('a client that missed more than may be read again is not recovered, and gets what comes', async (t) => {
  const log = await temporaryLog(t);
  const settings = {
    log,
    topic: 'prices',
    partitions: 1,
    channels: '{ history: { last: 1 }, recover: { records: 50 } }',
  };
  const first = await startPrices(t, settings);
  const before = await PriceClient.open(t, first.url);
  const { position } = await before.subscribe('symbol.S3');
  await publishPrices(first.url, SYMBOLS, 0, 100);
  before.client.ws.terminate();
  await first.gateway.stop();
  const second = await startPrices(t, settings);
  const after = await PriceClient.open(t, second.url);
  const answer = await after.subscribe('symbol.S3', position as string);
  assert.equal(answer.recovered, false);
  await publishPrices(second.url, SYMBOLS, 100, 10);
  await after.until(() => after.numbers.length === 1);
  assert.deepEqual(after.numbers, [103]);
});

test('on Kafka a client goes on at another gateway with its position, and gets exactly what it missed', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const settings = { log: `driver: kafkajs, brokers: "${kafka.brokers}"`, topic: uniqueTopic('prices') };
  const a = await startPrices(t, settings);
  const before = await PriceClient.open(t, a.url);
  await before.subscribe('symbol.S7');
  await publishPrices(a.url, SYMBOLS, 0, 50);
  await before.until(() => before.numbers.length === 5);
  const position = before.position;
  before.client.ws.terminate();
  // Hours pass, in which both gateways are replaced.
  await publishPrices(a.url, SYMBOLS, 50, 5_000);
  const b = await startPrices(t, settings);
  await a.gateway.stop();
  await publishPrices(b.url, SYMBOLS, 5_050, 5_000);
  const after = await PriceClient.open(t, b.url);
  const answer = await after.subscribe('symbol.S7', position);
  assert.deepEqual([answer.recovered, answer.position], [true, position]);
  await publishPrices(b.url, SYMBOLS, 10_050, 50);
  await after.until(() => after.numbers.length === 1_005);
  assert.deepEqual(after.numbers, of(7, 50, 10_100));
});

test('on Kafka a client whose records were removed by retention is not recovered', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('prices');
  const settings = { log: `driver: kafkajs, brokers: "${kafka.brokers}"`, topic, partitions: 1 };
  const a = await startPrices(t, settings);
  const before = await PriceClient.open(t, a.url);
  const { position } = await before.subscribe('symbol.S7');
  await publishPrices(a.url, SYMBOLS, 0, 500);
  before.client.ws.terminate();
  await a.gateway.stop();
  const { admin } = await KafkaAdmin.connect(t, kafka.brokers);
  // Without this kafkajs does not know the topic.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '100' }] });
  const b = await startPrices(t, settings);
  const after = await PriceClient.open(t, b.url);
  assert.equal((await after.subscribe('symbol.S7', position as string)).recovered, false);
  assert.deepEqual(after.numbers, []);
});

test('what the first client has read again after a restart is there for the others', async (t) => {
  const settings = { log: await temporaryLog(t), topic: 'prices', partitions: 1 };
  const first = await startPrices(t, settings);
  const before = await PriceClient.open(t, first.url);
  const { position } = await before.subscribe('symbol.S3');
  before.client.ws.terminate();
  await publishPrices(first.url, SYMBOLS, 0, 40);
  await first.gateway.stop();
  const text = pricesConfig(settings).replace('admin: { enabled: false }', 'admin: { port: 0 }');
  const second = await startPrices(t, { ...settings, text });
  const metrics = async () => (await fetch(`http://127.0.0.1:${second.gateway.ports().admin}/metrics`)).text();
  for (const [symbol, results] of [
    [3, { log: 1, ring: 0 }],
    [4, { log: 1, ring: 1 }],
    [3, { log: 1, ring: 2 }],
  ] as const) {
    const client = await PriceClient.open(t, second.url);
    const answer = await client.subscribe(`symbol.S${symbol}`, position as string);
    assert.equal(answer.recovered, true);
    await client.until(() => client.numbers.length === 4);
    assert.deepEqual(client.numbers, of(symbol, 0, 40));
    const shown = await metrics();
    for (const [result, count] of Object.entries(results))
      assert.match(shown, new RegExp(`^tidegate_channel_recoveries_total\\{.*result="${result}".*\\} ${count}$`, 'm'));
  }
});
