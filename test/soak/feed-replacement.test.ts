import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStored, Exchange, tradeWhile } from '../helpers/exchange.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 600);

test('an exchange that cuts, pings and ends connections: nothing is lost, and every gap is reported', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const exchange = await Exchange.start(t, { limit: 20_000, lost: 1 });
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('replaced'), EVERY: '18s', OVERLAP: '1s' };
  const gateway = await tradeWhile(t, exchange, env, () => exchange.disturbFor(SECONDS, Math.floor(SECONDS / 5)));
  assert.equal(await gateway.stop(), 0);
  assert.deepEqual(exchange.ended, { age: 0, silent: 0 });
  const resumed = await checkStored(exchange, kafka.brokers, `${env.TOPIC}.resume`);
  assert.equal(resumed.missed, 0);
  const deduped = await checkStored(exchange, kafka.brokers, `${env.TOPIC}.dedupe`);
  t.diagnostic(`${exchange.trades.length} messages, ${exchange.server.connections.length} connections`);
  t.diagnostic(`resume: ${JSON.stringify(resumed)}, dedupe: ${JSON.stringify(deduped)}`);
});
