import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { AddressRanges } from '../../../../src/core/address-ranges.ts';
import { ProxiedConnections, type ProxyOptions } from '../../../../src/transports/websocket/proxied-connections.ts';
import { tlsFile } from '../../../helpers/feed-server.ts';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n';
const REQUEST = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

const tls = (name: string) => readFileSync(tlsFile(name));

async function serverOf(t: TestContext, changes: Partial<ProxyOptions> = {}, isTls = false) {
  const refused: string[] = [];
  const proxied = new ProxiedConnections({
    versions: 'any',
    trusted: new AddressRanges([]),
    timeout: 5_000,
    refused: (_peer, reason) => refused.push(reason),
    ...changes,
  });
  const serve = ({ socket, url }: IncomingMessage, response: ServerResponse) =>
    response.end(`${url} for ${proxied.sourceOf(socket)}`);
  const server: Server = isTls
    ? createTlsServer({ cert: tls('server.pem'), key: tls('server.key.pem') }, serve)
    : createServer(serve);
  proxied.watch(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const dial = async () => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { server, refused, dial };
}

async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  while (!/ for .*\r\n/.test(`${text}\r\n`)) await once(socket, 'data');
  return text.slice(text.indexOf('/a'));
}

test('the request behind the header is served in one piece or byte by byte, and the next one too', async (t) => {
  const { dial } = await serverOf(t);
  const whole = await dial();
  whole.write(LINE + REQUEST);
  assert.match(await answerOf(whole), /^\/a for 192\.0\.2\.1/);
  whole.write(REQUEST);
  assert.match(await answerOf(whole), /^\/a for 192\.0\.2\.1/);

  const slow = await dial();
  slow.setNoDelay(true);
  for (const byte of LINE + REQUEST) {
    slow.write(byte);
    await new Promise(setImmediate);
  }
  assert.match(await answerOf(slow), /^\/a for 192\.0\.2\.1/);

  const own = await dial();
  own.write(`PROXY UNKNOWN\r\n${REQUEST}`);
  assert.match(await answerOf(own), /^\/a for undefined/);
});

test('the header is below TLS: the handshake begins behind it, whether it comes together or later', async (t) => {
  const { dial } = await serverOf(t, {}, true);
  for (const isTogether of [true, false]) {
    const raw = await dial();
    raw.write(LINE);
    if (!isTogether) await new Promise((resolve) => setTimeout(resolve, 50));
    const secure = connectTls({ socket: raw, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.write(REQUEST);
    assert.match(await answerOf(secure), /^\/a for 192\.0\.2\.1/);
    secure.destroy();
  }
});

test('a connection without the header, with another version, or that sends it too slowly is cut', async (t) => {
  const { dial, refused } = await serverOf(t, { versions: 'v2', timeout: 100 });
  for (const text of [REQUEST, LINE, '\r\n']) {
    const socket = await dial();
    socket.on('error', () => {});
    socket.write(text);
    await once(socket, 'close');
  }
  assert.deepEqual(refused, [
    'the connection does not begin with a PROXY header of v2',
    'the connection does not begin with a PROXY header of v2',
    'its PROXY header did not come within 100 ms',
  ]);
});

test('a peer that is not a trusted proxy is cut unread; one that connects and goes leaves nothing', async (t) => {
  const trusted = await serverOf(t, { trusted: new AddressRanges(['10.0.0.0/8']) });
  const stranger = await trusted.dial();
  stranger.on('error', () => {});
  stranger.write(LINE + REQUEST);
  await once(stranger, 'close');
  assert.deepEqual(trusted.refused, ['it is not from one of trusted_proxies']);

  const { dial, refused, server } = await serverOf(t, { trusted: new AddressRanges(['127.0.0.0/8']) });
  const check = await dial();
  const [accepted] = await Promise.all([once(check, 'close'), Promise.resolve(check.end())]);
  assert.deepEqual([accepted, refused], [[false], []]);
  assert.equal(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), 0);
});

test('a proxy that uses one port for two addresses of this machine has two clients', async (t) => {
  const { server } = await serverOf(t);
  server.close();
  await once(server.listen(0, '0.0.0.0'), 'listening');
  const { port } = server.address() as { port: number };
  const sockets: Socket[] = [];
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const localPort = sockets[0]?.localPort;
    const socket = connect({
      port,
      host,
      localAddress: '127.0.0.1',
      ...(localPort === undefined ? {} : { localPort }),
    });
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    sockets.push(socket);
  }
  const [first, second] = sockets as [Socket, Socket];
  assert.equal(first.localPort, second.localPort);
  first.write(LINE);
  second.write(LINE.replace('192.0.2.1', '192.0.2.2') + REQUEST);
  assert.match(await answerOf(second), /\/a for 192\.0\.2\.2/);
  first.write(REQUEST);
  assert.match(await answerOf(first), /\/a for 192\.0\.2\.1/);
});
