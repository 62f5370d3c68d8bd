import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../src/admin/guard.ts';
import { answer } from '../../../../src/connect/rest/call.ts';
import { FORWARDED } from '../../../../src/connect/rest/forwarding.ts';
import { ConnectServer } from '../../../../src/connect/rest/server.ts';
import type { Logger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { callersOf } from '../../admin/rig.ts';

/** A server with one path, a connection to it that says `text`, and what the server logs as an error. */
async function calledWith(t: TestContext, text: string) {
  const errors: string[] = [];
  const nothing = () => {};
  const logger: Logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (_, message) => errors.push(message),
    child: () => logger,
  };
  const server = new ConnectServer({
    port: 0,
    host: '127.0.0.1',
    callers: callersOf({ section: 'connect' }),
    guard: new Guard('connect', undefined, 'everyone'),
    routes: [{ method: 'PUT', path: '/here', handle: () => answer(200, {}) }],
    sessionKey: () => Buffer.from('secret').toString('base64'),
    isThere: () => true,
    answered: nothing,
    now: () => 1_000,
    stats: createStats(),
    logger,
  });
  const port = await server.start();
  t.after(() => server.stop());
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(text, 'latin1');
  return { server, socket, errors };
}

function call(more: string, body = '{}'): string {
  return `PUT /here HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\nconnection: close\r\n${more}\r\n\r\n${body}`;
}

test('a malformed signature is refused', async (t) => {
  for (const forged of ['', '1000', '1000:', ':', `1000:${'a'.repeat(64)}`, `1000:${'\xe9'.repeat(64)}`]) {
    const { socket, errors } = await calledWith(t, call(`content-length: 2\r\n${FORWARDED}: ${forged}`));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    assert.match(String(reply), /^HTTP\/1.1 403 /, JSON.stringify(forged));
    assert.deepEqual(errors, []);
    socket.destroy();
  }
});

test('a client that disconnects in the middle of a body is not logged as an error', async (t) => {
  const { server, socket, errors } = await calledWith(t, call('content-length: 100\r\nexpect: 100-continue'));
  // The server has seen the head.
  await once(socket, 'data');
  socket.destroy();
  await server.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(errors, []);
});
