import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { OneAtATime } from '../../../src/core/one-at-a-time.ts';
import { pipeline } from '../../helpers/pipelining.ts';

/** A server whose answers the test sends. */
async function serve(t: TestContext) {
  const served: ServerResponse[] = [];
  let cuts = 0;
  const turns = new OneAtATime(() => {
    cuts += 1;
  });
  const server = createServer(turns.serving((_request, response) => void served.push(response)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { server, port: (server.address() as AddressInfo).port, served, cuts: () => cuts };
}

test('of requests that come at once the first is served, and the connection ends at the second', async (t) => {
  const { port, served, cuts } = await serve(t);
  await pipeline(t, port, '/');
  assert.deepEqual([served.length, cuts()], [1, 1]);
});

test('a request that comes while an answer is being made ends the connection', async (t) => {
  const { server, port, served, cuts } = await serve(t);
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  const first = once(server, 'request');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await first;
  const closed = once(socket, 'close');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await closed;
  assert.deepEqual([served.length, cuts()], [1, 1]);
});

test('a connection that waits for each answer is served for as long as it likes', async (t) => {
  const { server, port, served, cuts } = await serve(t);
  server.on('request', (_request, response) => response.end('x'.repeat(100_000)));
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (data) => {
    text += String(data);
  });
  for (let count = 1; count <= 30; count++) {
    text = '';
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}');
    while (!/\r\n\r\nx{100000}$/.test(text)) await once(socket, 'data');
    assert.deepEqual([served.length, cuts()], [count, 0]);
  }
});
