import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { ClientMemory } from '../../../../src/core/client-memory.ts';
import { ServerSocket } from '../../../../src/transports/websocket/socket.ts';

test('frames, pings, pongs and the close of a peer are reported in their order', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const heard: string[] = [];
  let isClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve;
  });
  server.on('connection', (ws) => {
    new ServerSocket(ws, new ClientMemory()).attach({
      onFrame: (data, binary) => void heard.push(`${binary ? 'binary' : 'text'} ${data}`),
      onPing: () => void heard.push('ping'),
      onProtocolError: (code) => void heard.push(`protocol error ${code}`),
      onPong: (payload) => void heard.push(`pong ${payload}`),
      onDrain: () => {},
      onClose: (code, reason) => {
        heard.push(`close ${code} ${reason}`);
        isClosed();
      },
    });
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(client, 'open');
  client.send('a');
  client.ping();
  client.pong('p');
  client.send(Buffer.from('b'));
  client.close(1000, 'bye');
  await closed;
  assert.deepEqual(heard, ['text a', 'ping', 'pong p', 'binary b', 'close 1000 bye']);
});
