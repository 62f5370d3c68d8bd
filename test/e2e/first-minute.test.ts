import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';

test('a newcomer is welcomed, gets an ACK, and all get the broadcast, on the embedded log', async (t) => {
  const gateway = await startGateway(t);
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const [alice, bob] = [await TestClient.open(url), await TestClient.open(url)];

  await alice.until(() => alice.of('SYSTEM').length === 1);
  const [welcome] = alice.of('SYSTEM');
  assert.ok(welcome?.clientId);
  assert.match(welcome.content, new RegExp(welcome.clientId));

  alice.send('Hello from client!', { id: 'm-1' });
  await alice.until(() => alice.of('ACK').length === 1 && alice.of('USER').length === 1);
  await bob.until(() => bob.of('USER').length === 1);
  assert.equal(alice.of('ACK')[0]?.id, 'm-1');
  assert.equal(bob.of('USER')[0]?.content, 'Hello from client!');
  assert.equal(bob.of('ACK').length, 0);
});

test('records and offsets are still there after a stop and a start', async (t) => {
  const first = await startGateway(t);
  await first.ready();
  const writer = await TestClient.open(`ws://127.0.0.1:${first.port}/ws`);
  for (let n = 0; n < 10; n++) writer.send(`message ${n}`);
  await writer.until(() => writer.of('ACK').length === 10);
  assert.equal(await first.stop(), 0);
  assert.deepEqual(writer.closed, { code: 1012, reason: 'service restart' });

  const second = await startGateway(t, { dataDir: first.dataDir, config: 'test/fixtures/from-earliest.yaml' });
  await second.ready();
  const reader = await TestClient.open(`ws://127.0.0.1:${second.port}/ws`);
  reader.send('after the restart');
  await reader.until(() => reader.of('USER').some(({ content }) => content === 'after the restart'));
  const metrics = (await second.get('/metrics')).body;
  assert.match(metrics, /tidegate_records_consumed_total\{[^}]*topic="websocket-messages"[^}]*\} 11/);
});

test('a second gateway on the same data directory says who holds it and ends', async (t) => {
  const first = await startGateway(t);
  await first.ready();
  await assert.rejects(startGateway(t, { dataDir: first.dataDir }), (error: Error) => {
    assert.match(error.message, new RegExp(`${first.process.pid}`));
    return true;
  });
  assert.equal((await first.get('/ready')).status, 200);
});

test('a port that is taken is named together with what to change', async (t) => {
  const first = await startGateway(t);
  await assert.rejects(startGateway(t, { port: first.port }), /another program uses it/);
});
