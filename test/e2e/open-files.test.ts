import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';

test('where the process may open no more files newcomers get 503, and the gateway can be asked why', async (t) => {
  const gateway = await startGateway(t, { openFiles: 300 });
  await gateway.ready();
  const dial = () => TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  const tried = await Promise.allSettled(Array.from({ length: 230 }, dial));
  const clients = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.after(() => {
    for (const { ws } of clients) ws.terminate();
  });
  // 128 of them are kept for everything else.
  assert.equal(clients.length, 172);
  const reasons = tried.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  assert.deepEqual(new Set(reasons), new Set(['Error: Unexpected server response: 503']));
  assert.equal((await gateway.get('/health')).status, 200);
  const { body } = await gateway.get('/metrics');
  assert.match(body, /tidegate_connections_refused_total\{[^}]*reason="open_files"[^}]*\} 58\n/);
  const lines = gateway.output().match(/turned away: [^"]*/g);
  assert.equal(lines?.length, 1, 'one line for all of them');
  assert.match(lines?.[0] ?? '', /no room for more than 172 connections; raise its limit of open files \(ulimit -n/);

  clients[0]?.ws.close();
  await until(
    () =>
      dial().then(
        (client) => clients.push(client) > 0,
        () => false,
      ),
    10_000,
    () => 'nobody comes in after one has left',
  );
});

test('a gateway that may open too few files says how many it needs, before Node runs out of them', async (t) => {
  await assert.rejects(startGateway(t, { openFiles: 255 }), (error: Error) => {
    const [, ...output] = error.message.trim().split('\n');
    assert.equal(output.length, 1, error.message);
    assert.match(
      output[0] ?? '',
      /^tidegate: this process may open 255 files at a time, and needs 256 to start, .*ulimit -n 65536/,
    );
    return true;
  });
});

test('with the fewest files that are enough a gateway starts', async (t) => {
  const gateway = await startGateway(t, { openFiles: 256 });
  await gateway.ready();
  assert.equal(await gateway.stop(), 0);
});
