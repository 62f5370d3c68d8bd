import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { LoadClient, lost } from '../helpers/load.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

/** The example for S1's users: its environment names choose brokers and topic. */
const config = 'config/examples/integration.yaml';

test('an ACK comes after the log has the record, and 20 clients get the broadcast', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('broadcast');
  const gateway = await startGateway(t, { config, env: { kafkaBootstrapServers: kafka.brokers, kafkaTopic: topic } });
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.open(url)));
  const [sender] = clients as [TestClient];
  sender.send('to all of you', { id: 'm-1' });
  await sender.until(() => sender.of('ACK').length === 1);
  const stored = await readTopic(kafka.brokers, topic);
  assert.deepEqual(
    stored.map(({ value }) => (JSON.parse(value) as { content: string }).content),
    ['to all of you'],
  );
  assert.equal(stored[0]?.key, sender.of('SYSTEM')[0]?.clientId);
  assert.equal(stored[0]?.headers['message-id'], 'm-1');
  for (const client of clients) await client.until(() => client.of('USER').length === 1);
  assert.ok(clients.every((client) => client.of('USER')[0]?.content === 'to all of you'));
});

test('every client of two gateways sees every message once', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const env = { kafkaBootstrapServers: kafka.brokers, kafkaTopic: uniqueTopic('pair') };
  const gateways = [await startGateway(t, { config, env }), await startGateway(t, { config, env })];
  for (const gateway of gateways) await gateway.ready();
  const clients = await Promise.all(
    gateways.flatMap(({ port }) => [1, 2, 3].map(() => TestClient.open(`ws://127.0.0.1:${port}/ws`))),
  );
  for (let n = 0; n < 200; n++) clients[n % clients.length]?.send(`message ${n}`);
  for (const client of clients) await client.until(() => client.of('USER').length === 200);
  const expected = Array.from({ length: 200 }, (_, n) => `message ${n}`).sort();
  for (const client of clients)
    assert.deepEqual(
      client
        .of('USER')
        .map(({ content }) => content)
        .sort(),
      expected,
    );
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`after ${signal} under load every acked message is in the topic`, async (t) => {
    const kafka = await requireKafka(t);
    if (kafka === undefined) return;
    const topic = uniqueTopic(signal.toLowerCase());
    const gateway = await startGateway(t, { config, env: { kafkaBootstrapServers: kafka.brokers, kafkaTopic: topic } });
    await gateway.ready();
    const url = `ws://127.0.0.1:${gateway.port}/ws`;
    const clients = await Promise.all(['a', 'b', 'c', 'd'].map((name) => LoadClient.open(name, url, 100)));
    await until(
      () => clients.every(({ acked }) => acked.size > 500),
      30_000,
      () => 'no load came about',
    );
    const code = await gateway.stop(signal);
    for (const { client } of clients) await client.until(() => client.closed !== undefined);
    const stored = countIds(await readTopic(kafka.brokers, topic));
    assert.deepEqual(lost(clients, stored), []);
    if (signal === 'SIGTERM') {
      assert.equal(code, 0);
      // What was read before the stop is answered; what the gateway never read is for the client to send again.
      assert.ok(clients.every(({ client }) => client.closed?.code === 1012));
      assert.ok(clients.every(({ retryable, refused }) => retryable.size + refused.size === 0));
      assert.ok(
        [...stored.values()].every((times) => times === 1),
        'a record is stored twice after a clean stop',
      );
    }
    const doubled = [...stored.values()].filter((times) => times > 1).length;
    t.diagnostic(
      `${clients.reduce((sum, { acked }) => sum + acked.size, 0)} acked, ${stored.size} stored, ${doubled} doubled`,
    );
  });
}
