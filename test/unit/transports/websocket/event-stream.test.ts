import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket as NetworkSocket, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { EventStreamSocket } from '../../../../src/transports/websocket/event-stream.ts';

/** A stream over a real connection, what its client has read, and what was reported. */
async function opened(t: TestContext) {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const accepted = once(server, 'connection') as Promise<[NetworkSocket]>;
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  t.after(() => client.destroy());
  const [network] = await accepted;
  network.setTimeout(1);
  const stream = new EventStreamSocket(network, undefined, '192.0.2.7');
  const told: string[] = [];
  let gone: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    gone = resolve;
  });
  stream.attach({
    onFrame: () => {},
    onPing: () => {},
    onPong: (payload) => void told.push(`pong ${payload.length}`),
    onDrain: () => void told.push('drain'),
    onProtocolError: () => {},
    onClose: (code, reason) => {
      told.push(`close ${code} ${reason}`);
      gone();
    },
  });
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  return { stream, client, network, told, closed, text: () => text };
}

test('a ping is a comment, and counts as answered, as a client has no pongs', async (t) => {
  const { stream, client, told, text } = await opened(t);
  stream.ping();
  while (!text().endsWith(': ping\n\n')) await once(client, 'data');
  assert.deepEqual(told, ['pong 0']);
  assert.equal(stream.remote, '192.0.2.7');
});

test('the time limit of idle requests does not apply to a stream', async (t) => {
  const { network } = await opened(t);
  assert.equal(network.timeout, 0);
});

test('a close says the code and when to come back, nothing follows it, and it is reported once', async (t) => {
  const { stream, client, told, closed, text } = await opened(t);
  const ended = once(client, 'end');
  stream.close(1008, 'slow');
  stream.close(1012, 'service restart');
  stream.write(Buffer.from('data: late\n\n'));
  await ended;
  client.end();
  await closed;
  assert.deepEqual(told, ['close 1008 slow']);
  const retry = Number(/retry: (\d+)\nevent: close\ndata: {"code":1008,"reason":"slow"}\n\n$/.exec(text())?.[1]);
  assert.ok(retry >= 5_000 && retry <= 10_000, `${retry} ms`);
});

test('a client that leaves has gone away with 1001', async (t) => {
  const { client, told, closed } = await opened(t);
  client.end();
  await closed;
  assert.deepEqual(told, ['close 1001 ']);
});
