import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
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
    () => 'no client comes in after one has left',
  );
});

test('connections that send nothing, or half a handshake, shut out neither clients nor health checks', async (t) => {
  const gateway = await startGateway(t, { openFiles: 300 });
  await gateway.ready();
  const sockets: Socket[] = [];
  t.after(() => sockets.forEach((one) => void one.destroy()));
  for (const [begun, port] of [
    ['', gateway.port],
    ['GET /ws HTTP/1.1\r\nHost: a\r\n', gateway.port],
    ['', gateway.adminPort],
  ] as const) {
    const some = Array.from({ length: 350 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    sockets.push(...some);
    await Promise.all(some.map((one) => once(one, 'connect')));
    for (const one of some) one.write(begun);
    assert.equal((await gateway.get('/health')).status, 200);
    // On a connection of its own: one that was kept from the last round has given way since.
    const headers = { connection: 'close' };
    assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/health`, { headers })).status, 200);
    const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    await client.until(() => client.of('SYSTEM').length > 0);
    sockets.push((client.ws as unknown as { _socket: Socket })._socket);
  }
  const { body } = await gateway.get('/metrics');
  assert.match(body, /tidegate_connections_refused_total\{[^}]*reason="waiting"[^}]*\} [1-9]/);
  assert.match(body, /tidegate_connections\{[^}]*endpoint="messages"[^}]*\} 3\n/, 'clients were cut');
  assert.match(gateway.output(), /too many connections are open that have sent no request/);
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
