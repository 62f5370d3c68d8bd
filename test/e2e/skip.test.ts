import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';

/** Three orders, of which a group can never process the second. */
async function sendOrders(t: TestContext, skip: boolean) {
  const gateway = await startGateway(t, { config: 'test/fixtures/skip.yaml', env: { SKIP: String(skip) } });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  for (const price of ['1', '"free"', '3']) client.ws.send(`{"price":${price}}`);
  const totals = () =>
    client.frames
      .map((frame) => JSON.parse(frame.toString()) as { total?: number })
      .flatMap(({ total }) => (total === undefined ? [] : [total]));
  return { gateway, client, totals };
}

test('a record that a group can never process is skipped if configured: counted, logged, committed', async (t) => {
  const { gateway, client, totals } = await sendOrders(t, true);
  await client.until(() => totals().length === 2);
  assert.deepEqual(totals(), [2, 6]);
  assert.equal((await gateway.get('/ready')).status, 200);
  const metrics = (await gateway.get('/metrics')).body;
  assert.match(metrics, /tidegate_messages_skipped_total\{[^}]*pipeline="totals"[^}]*\} 1\n/);
  assert.match(metrics, /tidegate_pipeline_sent_total\{[^}]*pipeline="totals"[^}]*\} 2\n/);
  assert.match(gateway.output(), /skipped orders\/0\/1: /);

  // The group has committed beyond it: nothing is read again.
  assert.equal(await gateway.stop(), 0);
  const again = await startGateway(t, {
    config: 'test/fixtures/skip.yaml',
    env: { SKIP: 'true' },
    dataDir: gateway.dataDir,
  });
  await again.ready();
  const other = await TestClient.open(`ws://127.0.0.1:${again.port}/ws`);
  other.ws.send('{"price":4}');
  await other.until(() => other.frames.some((frame) => frame.toString().includes('"total":8')));
  assert.doesNotMatch(again.output(), /skipped orders/);
});

test('otherwise its pipeline stops there, and readiness names the record', async (t) => {
  const { gateway, totals } = await sendOrders(t, false);
  await until(
    async () => (await gateway.get('/ready')).status === 503,
    30_000,
    () => 'the gateway is still ready',
  );
  assert.match((await gateway.get('/ready')).body, /the pipeline totals: record orders\/0\/1 cannot be processed/);
  assert.doesNotMatch((await gateway.get('/metrics')).body, /tidegate_messages_skipped_total\{[^}]*\} [1-9]/);
  assert.ok(!totals().includes(6), 'it went on behind the record');
});
