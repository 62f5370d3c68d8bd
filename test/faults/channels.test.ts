import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { PriceClient } from '../helpers/price-gateway.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka, requireOwnKafka } from '../services/kafka.ts';

const config = 'test/fixtures/channels.yaml';
/** Milliseconds. */
const TIMEOUT = 3_000;

const urlOf = ({ port }: GatewayProcess) => `ws://127.0.0.1:${port}`;
const prices = (symbols: readonly string[], from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => {
    const n = from + at;
    return { key: symbols[n % symbols.length] as string, value: JSON.stringify({ n }) };
  });

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const { body } = await gateway.get('/metrics');
  const lines = body.matchAll(new RegExp(`^${name}[{ ][^\\n]*? (\\d+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

test('while Kafka does not answer a recovery ends within its timeout, and the subscription goes on', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('frozen');
  const gateway = await startGateway(t, {
    config,
    env: { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, RECOVER_TIMEOUT: `${TIMEOUT}ms` },
  });
  await gateway.ready();
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  const before = await PriceClient.open(t, urlOf(gateway));
  const { position } = await before.subscribe('symbol.A');
  // More than the history keeps.
  await admin.produce(topic, prices(['A'], 0, 50));
  await before.until(() => before.numbers.length === 50);
  const client = await PriceClient.open(t, urlOf(gateway));
  kafka.pause();
  const asked = Date.now();
  const answer = await client.subscribe('symbol.A', String(position));
  const took = Date.now() - asked;
  assert.deepEqual([answer.type, answer.recovered], ['subscribed', false]);
  assert.ok(took >= TIMEOUT - 100 && took < TIMEOUT + 1_500, `${took} ms`);
  kafka.resume();
  await admin.produce(topic, prices(['A'], 50, 60));
  await client.until(() => client.numbers.length === 10);
  assert.deepEqual(client.numbers, before.numbers.slice(-10));
  await gateway.ready();
  const again = await PriceClient.open(t, urlOf(gateway));
  assert.equal((await again.subscribe('symbol.A', String(position))).recovered, true);
  await again.until(() => again.numbers.length === 60);
});

test('1,000 clients that come back at once after a restart are recovered by a few readers', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('crowd');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic };
  const symbols = Array.from({ length: 100 }, (_, at) => `S${at}`);
  const first = await startGateway(t, { config, env });
  await first.ready();
  const before = await PriceClient.open(t, urlOf(first));
  const positions = new Map<string, string>();
  for (const symbol of symbols) positions.set(symbol, String((await before.subscribe(`symbol.${symbol}`)).position));
  await first.stop('SIGKILL');
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  await admin.produce(topic, prices(symbols, 0, 10_000));
  const gateway = await startGateway(t, { config, env });
  await gateway.ready();
  const clients: PriceClient[] = [];
  while (clients.length < 1_000)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => PriceClient.open(t, urlOf(gateway))))));
  const answers = await Promise.all(
    clients.map((client, at) => {
      const symbol = symbols[at % symbols.length] as string;
      return client.subscribe(`symbol.${symbol}`, positions.get(symbol));
    }),
  );
  assert.deepEqual(
    answers.filter(({ recovered }) => recovered !== true),
    [],
  );
  for (const [at, client] of clients.entries()) {
    await client.until(() => client.client.frames.length > 100);
    assert.deepEqual(
      client.numbers,
      Array.from({ length: 100 }, (_, n) => n * 100 + (at % 100)),
    );
  }
  const passes = await metric(gateway, 'tidegate_channel_recovery_passes_total');
  const records = await metric(gateway, 'tidegate_channel_recovery_records_total');
  t.diagnostic(`${passes} readers read ${records} records`);
  assert.ok(passes > 0 && passes <= 20, `${passes} readers`);
  assert.ok(records < 20 * 10_000, `${records} records`);
});
