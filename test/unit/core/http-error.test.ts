import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answerMalformed } from '../../../src/core/http-error.ts';

async function answerTo(
  t: TestContext,
  request: string | Buffer,
): Promise<{ status: string | undefined; body: unknown }> {
  const server = createServer();
  answerMalformed(server);
  server.listen(0);
  await once(server, 'listening');
  t.after(() => server.close());
  const socket = connect((server.address() as AddressInfo).port);
  let text = '';
  socket.on('data', (data) => {
    text += String(data);
  });
  socket.write(request);
  await once(socket, 'close');
  const [head, body = ''] = text.split('\r\n\r\n');
  return { status: head?.split(' ')[1], body: JSON.parse(body) };
}

test('what is not HTTP is answered like any other error, and its connection ends', async (t) => {
  const { status, body } = await answerTo(t, 'hello\r\n\r\n');
  assert.equal(status, '400');
  assert.deepEqual(body, { error: { code: 'bad_request', message: 'the request is not valid HTTP' } });
});

test('a client that begins a TLS handshake is answered by a reason of its own', async (t) => {
  // A record of a handshake message (RFC 8446 5.1), as each ClientHello begins.
  const { status, body } = await answerTo(t, Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]));
  assert.equal(status, '400');
  assert.deepEqual(body, { error: { code: 'tls', message: 'this port has no TLS; use ws:// or http://' } });
});

test('headers that are too large are answered by 431 with a reason', async (t) => {
  const { status, body } = await answerTo(t, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  assert.equal(status, '431');
  assert.deepEqual(body, { error: { code: 'headers_too_large', message: 'the headers of the request are too large' } });
});
