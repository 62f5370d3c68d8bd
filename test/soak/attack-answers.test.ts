import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { inMebibytes, memoryOf, Watch } from '../helpers/vital-signs.ts';

/*
 * One client asks for answers that are much larger than its requests and reads none of them. The short ones are in
 * test/unit/topics/long-answers.test.ts and test/unit/actors/endpoint/untaken-answers.test.ts.
 */

const PARTITIONS = 10_000;
const SUBSCRIBERS = 600;
/** Seconds for which what was asked goes on working on the gateway. */
const AFTERMATH = 10;

/** Sends so many requests at once from a client that reads nothing any more. */
async function flood(gateway: GatewayProcess, request: object, times: number): Promise<TopicsClient> {
  const client = await TopicsClient.open(gateway.port);
  client.client.ws.pause();
  for (let id = 1; id <= times; id += 1) client.say({ id, ...request });
  return client;
}

async function createTopics(gateway: GatewayProcess, names: readonly string[], partitions: number): Promise<void> {
  const client = await TopicsClient.open(gateway.port);
  for (const topic of names) assert.equal((await client.topic('create', [{ topic, partitions }])).s, 0);
  client.client.ws.close();
}

test('lists of 20,000 and 120,000 partitions, health of 600 subscribers: to a client that never reads', {
  timeout: 600_000,
}, async (t) => {
  const gateway = await startGateway(t, { config: 'config/examples/topics.yaml' });
  await gateway.ready();
  await createTopics(gateway, ['wide-1', 'wide-2'], PARTITIONS);
  const list = { t: 'topic', a: 'list' };
  const before = memoryOf(gateway);
  const watch = new Watch(gateway);
  t.after(() => watch.stop());
  const attack = async (what: string, request: object, times: number) => {
    const client = await flood(gateway, request, times);
    await pause(AFTERMATH * 1_000);
    const { memory, silence } = watch.take();
    t.diagnostic(
      `${times} x ${what}: ${inMebibytes(memory)} MiB (${inMebibytes(before)} before), /health silent for ${Math.round(silence)} ms`,
    );
    client.client.ws.terminate();
    assert.equal((await gateway.get('/health')).status, 200);
    assert.ok(memory < before + 300 * 1_048_576, `${what}: ${inMebibytes(memory)} MiB`);
    assert.ok(silence < 2_000, `${what}: /health was silent for ${silence} ms`);
  };

  await attack('list of 20,000', list, 1_500);
  await createTopics(
    gateway,
    Array.from({ length: 10 }, (_, n) => `wide-${n + 3}`),
    PARTITIONS,
  );
  watch.take();
  await attack('list of 120,000', list, 1_100);

  // With those before as many as clients of one address may create in a minute.
  const names = Array.from({ length: 48 }, (_, n) => `${n}-`.padEnd(240, 'x'));
  await createTopics(gateway, names, 1);
  const subscribers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, async (_, n) => {
      const client = await TopicsClient.open(gateway.port);
      client.say({ id: 1, t: 'topic', a: 'subscribe', p: { t: names, consumer_group: `g${n % 10}` } });
      return client;
    }),
  );
  await until(
    async () => subscribers.every(({ replies }) => replies.length > 0),
    240_000,
    () => 'the subscribers are not subscribed',
  );
  watch.take();
  await attack('health of 600 subscribers', { t: 'health' }, 400);

  // A client that reads is answered.
  const reader = await TopicsClient.open(gateway.port);
  const [health, listed] = await Promise.all([reader.ask('health', undefined), reader.topic('list')]);
  assert.equal((health.p as { consumers: unknown[] }).consumers.length, SUBSCRIBERS + 1);
  assert.equal((listed.p as unknown[]).length, 12 * PARTITIONS + names.length);
});
