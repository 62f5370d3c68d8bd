import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const CONFIG = 'test/fixtures/lookup.yaml';

async function start(t: TestContext, env: Record<string, string>, dataDir: string) {
  const gateway = await startGateway(t, { config: CONFIG, env, dataDir });
  await gateway.ready();
  const open = (path: string) => TestClient.open(`ws://127.0.0.1:${gateway.port}/${path}`);
  const [users, orders, out] = await Promise.all([open('users'), open('orders'), open('out')]);
  let sent = 0;
  return {
    gateway,
    /** Resolves once the topic has it. */
    user: async (id: number, name: string) => {
      const answers = users.frames.length;
      // More digits than a double has.
      users.ws.send(`{"id":${id},"name":"${name}","account":9007199254740993}`);
      await users.until(() => users.frames.length > answers);
    },
    /** What comes out for an order of that user. */
    order: async (user: number) => {
      sent += 1;
      const number = sent;
      orders.ws.send(`{"n":${number},"user":${user}}`);
      const find = () => out.frames.map(String).find((frame) => frame.startsWith(`{"n":${number},`));
      await out.until(() => find() !== undefined);
      return find() ?? '';
    },
  };
}

async function staysUnderRestarts(t: TestContext, env: Record<string, string>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lookup-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = await start(t, env, dataDir);
  assert.equal(await first.order(7), '{"n":1,"user":7}');
  for (let id = 0; id < 20; id += 1) await first.user(id, `old ${id}`);
  await first.user(7, 'Ada');
  // The table follows its topic; how soon is not promised.
  const follows = async (name: string) => {
    while (!(await first.order(7)).includes(`"name":"${name}"`))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await follows('Ada');
  await first.gateway.stop('SIGKILL');

  const second = await start(t, env, dataDir);
  assert.equal(
    await second.order(7),
    '{"n":1,"user":7,"who":{"id":7,"name":"Ada","account":9007199254740993}}',
    'the first message after a start sees the whole table',
  );
  const { body } = await second.gateway.get('/metrics');
  assert.match(body, /tidegate_lookup_keys\{[^}]*place="pipelines\.orders-in\.processors\[0\]"[^}]*\} 20\n/);
  assert.equal(await second.gateway.stop(), 0);
}

test('a topic as a table on the embedded log: live, and whole before the first message after a kill', (t) =>
  staysUnderRestarts(t, { KAFKA_DRIVER: 'embedded' }));

test('a topic as a table on Kafka: live, and whole before the first message after a kill', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const { brokers } = kafka;
  await staysUnderRestarts(t, { KAFKA_BROKERS: brokers, USERS: uniqueTopic('users'), ORDERS: uniqueTopic('orders') });
});
