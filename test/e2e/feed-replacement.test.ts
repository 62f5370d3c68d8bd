// Slow: connections have to become old.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStored, Exchange, tradeWhile } from '../helpers/exchange.ts';
import { type GatewayProcess, until } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const PIPELINES = ['resume', 'dedupe'] as const;
/** `every` of the gateway in milliseconds, and by how much of it a replacement may be earlier. */
const EVERY = 3_000;
const RANDOM_PART = 0.1;

/** How many connections of each pipeline were replaced for their age. */
async function replacedIn(gateway: GatewayProcess): Promise<number[]> {
  const { body } = await gateway.get('/metrics');
  return PIPELINES.map((name) => {
    const line = new RegExp(`tidegate_remote_replaced_total\\{[^}]*pipelines.${name}[^}]*cause="age"[^}]*\\} (\\d+)`);
    return Number(line.exec(body)?.[1] ?? 0);
  });
}

test('connections that are replaced before their limit leave no gap: nothing is lost, nothing stored twice', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const begunAt = performance.now();
  const exchange = await Exchange.start(t, { limit: 4 * EVERY });
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('replaced'), EVERY: `${EVERY}ms`, OVERLAP: '300ms' };
  const gateway = await tradeWhile(t, exchange, env, (running) =>
    until(
      async () => (await replacedIn(running)).every((count) => count >= 3),
      60_000,
      () => `connections are not replaced:\n${running.output().slice(-3_000)}`,
    ),
  );
  const counts = await replacedIn(gateway);
  // A slow machine makes them later, never earlier.
  const most = (performance.now() - begunAt) / (EVERY * (1 - RANDOM_PART));
  assert.equal(await gateway.stop(), 0);
  assert.ok(Math.max(...counts) <= most, `${counts} replaced, at most ${most} are due`);
  assert.equal(exchange.ended.age, 0);
  for (const name of PIPELINES) {
    const { missed, outages, holes } = await checkStored(exchange, kafka.brokers, `${env.TOPIC}.${name}`);
    assert.deepEqual([missed, outages, holes], [0, 0, 0], name);
  }
});
