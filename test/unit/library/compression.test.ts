import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { Gateway } from '../../../src/index.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const TALK = {
  ...MEMORY,
  listeners: { public: { port: 0 } },
  endpoints: {
    talk: { listener: 'public', path: '/', codec: 'raw', compression: {}, max_payload: '64KiB', replay: { last: 2 } },
  },
  pipelines: {
    in: { source: { endpoint: 'talk' }, sink: { topic: { name: 'talk' } } },
    out: { source: { topic: { names: ['talk'] } }, sink: { endpoint: 'talk' } },
  },
};

/** A client of a library, and the bytes and messages that it received. */
async function client(t: TestContext, gateway: Gateway, perMessageDeflate: boolean | object) {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports().listeners.public}`, {
    perMessageDeflate: perMessageDeflate as boolean,
  });
  t.after(() => socket.terminate());
  const heard: string[] = [];
  socket.on('message', (data) => void heard.push(String(data)));
  await once(socket, 'open');
  const { _socket: network } = socket as unknown as { _socket: { bytesRead: number } };
  const before = network.bytesRead;
  return { socket, heard, bytes: () => network.bytesRead - before };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('clients with and without compression talk to each other, and late ones get what was said', async (t) => {
  const gateway = await gatewayOf(t, TALK);
  await ready(gateway);
  const packed = await client(t, gateway, { threshold: 1 });
  const plain = await client(t, gateway, false);
  assert.equal(packed.socket.extensions, 'permessage-deflate');
  assert.equal(plain.socket.extensions, '');
  const long = 'the same words, '.repeat(1_000);
  packed.socket.send(long);
  await until(() => packed.heard.length === 1);
  plain.socket.send('short');
  await until(() => packed.heard.length === 2 && plain.heard.length === 2);
  assert.deepEqual(packed.heard, [long, 'short']);
  assert.deepEqual(plain.heard, [long, 'short']);
  assert.ok(packed.bytes() < 1_000, `${packed.bytes()} bytes of 16,000`);
  assert.ok(plain.bytes() > 16_000);
  const late = await client(t, gateway, true);
  await until(() => late.heard.length === 2);
  assert.deepEqual(late.heard, [long, 'short']);
});

test('a client that asks for a smaller window than is used is served without compression', async (t) => {
  const gateway = await gatewayOf(t, TALK);
  await ready(gateway);
  const small = await client(t, gateway, { serverMaxWindowBits: 10 });
  assert.equal(small.socket.extensions, '');
  const fair = await client(t, gateway, { serverMaxWindowBits: 12, clientMaxWindowBits: 9 });
  assert.equal(fair.socket.extensions, 'permessage-deflate');
});

test('a bomb closes its client with 1009, and the others go on', async (t) => {
  const gateway = await gatewayOf(t, TALK);
  await ready(gateway);
  const other = await client(t, gateway, true);
  const bomber = await client(t, gateway, true);
  bomber.socket.send(Buffer.alloc(20_000_000));
  const [code] = await once(bomber.socket, 'close');
  assert.equal(code, 1009);
  other.socket.send('still here');
  await until(() => other.heard.length === 1);
  assert.deepEqual(other.heard, ['still here']);
});
