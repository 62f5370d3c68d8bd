import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WaitingConnections } from '../../../../src/core/waiting-connections.ts';
import { WebSocketListener } from '../../../../src/transports/websocket/server.ts';

/** A listener without endpoints that answers /health, and how to say something to it by hand. */
async function listen(t: TestContext): Promise<(text: string) => Promise<{ socket: Socket; answer: () => string }>> {
  const refused: string[] = [];
  const listener = new WebSocketListener({
    host: '127.0.0.1',
    port: 0,
    name: 'public',
    targets: [],
    waiting: new WaitingConnections(
      () => 100,
      () => {},
    ),
    refused: (reason) => void refused.push(reason),
    unknown: () => void refused.push('not_found'),
    onRequest: (request, response) => {
      if (request.url !== '/health') return false;
      response.end('well');
      return true;
    },
  });
  const port = await listener.listen();
  t.after(() => listener.close());
  return async (text) => {
    // It never closes its own side, whatever the server does.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    let received = '';
    socket.on('data', (data) => {
      received += String(data);
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    return { socket, answer: () => received };
  };
}

const HANDSHAKE = [
  'GET /none HTTP/1.1',
  'Host: a',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

test('a refused client that never closes its side is disconnected, so that it keeps no file open', async (t) => {
  const say = await listen(t);
  const { socket, answer } = await say(HANDSHAKE);
  await once(socket, 'end');
  assert.match(answer(), /^HTTP\/1\.1 404 /);
  // The server has let go of the socket: what is sent now is answered by a reset.
  await new Promise((resolve) => setTimeout(resolve, 2_200));
  const reset = new Promise((resolve) => socket.once('close', resolve));
  const ticks = setInterval(() => socket.write('x'), 20);
  t.after(() => clearInterval(ticks));
  await reset;
});

test('a request that asks for another protocol than WebSocket is served as if it had not asked', async (t) => {
  const say = await listen(t);
  const h2c =
    'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n';
  const { socket, answer } = await say(`GET /health HTTP/1.1\r\n${h2c}`);
  await once(socket, 'end');
  assert.match(answer(), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n(?:4\r\n)?well/s);
  const unknown = await say(`GET /none HTTP/1.1\r\n${h2c}`);
  await once(unknown.socket, 'end');
  assert.match(unknown.answer(), /^HTTP\/1\.1 404 .*there is nothing at \/none/s);
});

test('a path that does not exist is repeated in part, however long it is', async (t) => {
  const say = await listen(t);
  const path = `/${'x'.repeat(8_000)}`;
  for (const text of [
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    HANDSHAKE.replace('/none', path),
  ]) {
    const { socket, answer } = await say(text);
    await once(socket, 'end');
    assert.match(answer(), / at \/x{199}\.\.\."/);
  }
});
