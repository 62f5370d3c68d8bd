import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const ENDPOINT = {
  ...MEMORY,
  listeners: { public: { port: 0, host: '127.0.0.1' } },
  endpoints: { words: { listener: 'public', path: '/ws', codec: 'envelope' } },
  pipelines: { in: { source: { endpoint: 'words' }, sink: { topic: { name: 'words' } } } },
};

test('compression is not negotiated, whatever a client offers', async (t) => {
  const gateway = await gatewayOf(t, ENDPOINT);
  await ready(gateway);
  const ws = new WebSocket(`ws://127.0.0.1:${gateway.ports().listeners.public}/ws`, { perMessageDeflate: true });
  await once(ws, 'open');
  assert.equal(ws.extensions, '');
  // A frame that says that it is compressed (RSV1) is one of another protocol.
  const closed = once(ws, 'close');
  (ws as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]));
  assert.equal((await closed)[0], 1002);
});

test('a listener is no proxy: neither CONNECT nor a whole URL reaches another server', async (t) => {
  let reached = 0;
  const other = createServer((_request, response) => {
    reached += 1;
    response.end('reached');
  }).listen(0, '127.0.0.1');
  other.on('connection', () => {
    reached += 1;
  });
  await once(other, 'listening');
  t.after(() => other.close());
  const target = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const gateway = await gatewayOf(t, ENDPOINT);
  await ready(gateway);
  for (const request of [`CONNECT ${target} HTTP/1.1`, `GET http://${target}/ HTTP/1.1`]) {
    const socket = connect(gateway.ports().listeners.public ?? 0, '127.0.0.1');
    socket.end(`${request}\r\nHost: ${target}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const bytes of socket) answer += String(bytes);
    assert.doesNotMatch(answer, /^HTTP\/1\.1 [23]|reached/, request);
  }
  assert.equal(reached, 0);
});
