// Slow: connections have to become old.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStored, Exchange, tradeFor } from '../helpers/exchange.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

test('connections that are replaced before their limit leave no gap: nothing is lost, nothing stored twice', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const exchange = await Exchange.start(t, { limit: 6_000 });
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('replaced'), EVERY: '3s', OVERLAP: '300ms' };
  const gateway = await tradeFor(t, exchange, env, { seconds: 12, disturbances: 0 });
  const { body } = await gateway.get('/metrics');
  assert.equal(await gateway.stop(), 0);
  assert.equal(exchange.ended.age, 0);
  for (const name of ['resume', 'dedupe']) {
    const { missed, outages, holes } = await checkStored(exchange, kafka.brokers, `${env.TOPIC}.${name}`);
    assert.deepEqual([missed, outages, holes], [0, 0, 0], name);
    const replaced = new RegExp(
      `tidegate_remote_replaced_total\\{[^}]*pipelines.${name}[^}]*cause="age"[^}]*\\} (\\d+)`,
    );
    const count = Number(replaced.exec(body)?.[1]);
    assert.ok(count >= 3 && count <= 5, `${name}: ${count} replaced`);
  }
});
