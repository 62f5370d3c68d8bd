import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteEnd, RemoteRequest, RemoteSocket, RemoteTarget } from '../../../../src/core/remote.ts';
import { dialWebSocket } from '../../../../src/transports/websocket/client.ts';
import { startProxy } from '../../../helpers/connect-proxy.ts';
import { FeedServer, rawFrame, tlsFile } from '../../../helpers/feed-server.ts';
import { freePort } from '../../../helpers/gateway-process.ts';
import { authorities, TlsFront } from '../../../services/tls-front.ts';

const TARGET = { compression: false, maxFrame: 1_048_576 } as const;

/** A connection, with all its events. */
class Dialled {
  readonly frames: { text: string; binary: boolean }[] = [];
  readonly pongs: string[] = [];
  opens = 0;
  ends: RemoteEnd[] = [];
  token: string | undefined;
  readonly socket: RemoteSocket;
  private readonly watchers = new Set<() => void>();

  constructor(
    t: TestContext,
    { url, headers = {}, protocols = [], ...target }: Partial<RemoteTarget & RemoteRequest> & { url: string },
    onOpen: (socket: RemoteSocket) => void = () => {},
    onPing?: (payload: Buffer) => void,
  ) {
    const changed = () => {
      for (const watcher of [...this.watchers]) watcher();
    };
    this.socket = dialWebSocket(
      { ...TARGET, request: () => ({ url, headers, protocols }), ...target },
      {
        onOpen: (token) => {
          this.opens += 1;
          this.token = token;
          onOpen(this.socket);
          changed();
        },
        onFrame: (data, binary) => {
          this.frames.push({ text: data.toString(), binary });
          changed();
        },
        ...(onPing === undefined
          ? {}
          : {
              onPing: (payload) => {
                onPing(payload);
                changed();
              },
            }),
        onPong: (payload) => {
          this.pongs.push(payload.toString());
          changed();
        },
        onClose: (end) => {
          this.ends.push(end);
          changed();
        },
      },
    );
    t.after(() => this.socket.terminate());
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.watchers.delete(check);
        resolve();
      };
      const timer = setTimeout(() => reject(new Error(`no such end: ${JSON.stringify(this.ends)}`)), 10_000);
      this.watchers.add(check);
      check();
    });
  }

  async open(): Promise<this> {
    await this.until(() => this.opens === 1);
    return this;
  }

  async end(): Promise<RemoteEnd> {
    await this.until(() => this.ends.length > 0);
    return this.ends[0] as RemoteEnd;
  }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-client-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('frames, pongs and closing codes come as the server sends them', async (t) => {
  const server = await FeedServer.start(t);
  const client = await new Dialled(t, { url: server.url }).open();
  const connection = await server.connection(1);
  connection.ws.send('text');
  connection.ws.send(Buffer.from([1, 2]));
  client.socket.send({ data: 'up', binary: false });
  client.socket.ping(Buffer.from('p'));
  await connection.until(() => connection.received.length === 1);
  await client.until(() => client.frames.length === 2 && client.pongs.length === 1);
  assert.deepEqual(client.frames, [
    { text: 'text', binary: false },
    { text: '\u0001\u0002', binary: true },
  ]);
  assert.ok(client.socket.bytesRead > 0);
  connection.ws.close(4000, 'enough');
  assert.deepEqual(await client.end(), { kind: 'closed', code: 4000, reason: 'the server closed with 4000 "enough"' });
});

test('of a large write that the server reads slowly, it shows what is left', async (t) => {
  const server = await FeedServer.start(t);
  const client = await new Dialled(t, { url: server.url }).open();
  const connection = await server.connection(1);
  connection.ws.pause();
  const { socket } = client;
  const length = 33_554_432;
  socket.send({ data: Buffer.alloc(length), binary: true });
  await pause(50);
  const { buffered, unsent } = socket;
  assert.ok(buffered >= length && unsent > 0, `${buffered} ${unsent}`);
  connection.ws.resume();
  while (socket.unsent >= unsent) await pause(5);
});

test('pings are answered by the handler that takes them, and at once without one', async (t) => {
  const server = await FeedServer.start(t);
  const pings: string[] = [];
  const taking = await new Dialled(t, { url: server.url }, undefined, (payload) =>
    pings.push(payload.toString()),
  ).open();
  const taken = await server.connection(1);
  const pongs: string[] = [];
  taken.ws.on('pong', (payload) => pongs.push(payload.toString()));
  for (const text of ['a', 'b']) taken.ws.ping(text);
  await taking.until(() => pings.length === 2);
  taking.socket.pong(Buffer.from('b'));
  taking.socket.send({ data: 'behind', binary: false });
  await taken.until(() => taken.received.length === 1);
  assert.deepEqual([pings, pongs], [['a', 'b'], ['b']]);
  await new Dialled(t, { url: server.url }).open();
  const left = await server.connection(2);
  const answered = once(left.ws, 'pong');
  left.ws.ping('c');
  assert.equal(String((await answered)[0]), 'c');
});

test('frames that come with the handshake itself are not lost', async (t) => {
  const server = await FeedServer.start(t);
  server.answer = { raw: (accept) => Buffer.concat([accept, rawFrame(1, 'at once'), rawFrame(1, 'and again')]) };
  const client = await new Dialled(t, { url: server.url }).open();
  await client.until(() => client.frames.length === 2);
});

test('a socket that is paused reads nothing, and everything once it is resumed', async (t) => {
  const server = await FeedServer.start(t);
  const client = await new Dialled(t, { url: server.url }, (socket) => socket.pause()).open();
  const connection = await server.connection(1);
  const size = 100_000;
  for (let n = 0; n < 200; n++) connection.ws.send('x'.repeat(size));
  // TCP holds the server back: its own buffer fills up.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(connection.ws.bufferedAmount > 0);
  assert.equal(client.frames.length, 0);
  client.socket.resume();
  await client.until(() => client.frames.length === 200);
});

test('a send reports whether the message has left', async (t) => {
  const server = await FeedServer.start(t);
  const client = await new Dialled(t, { url: server.url }).open();
  const send = () => new Promise<boolean>((resolve) => client.socket.send({ data: 'x', binary: false }, resolve));
  assert.equal(await send(), true);
  assert.equal(client.socket.buffered, 0);
  client.socket.terminate();
  assert.equal(await send(), false);
  assert.equal((await client.end()).kind, 'broken');
});

test('headers, subprotocols and the token go into the handshake', async (t) => {
  const server = await FeedServer.start(t);
  const client = new Dialled(t, {
    url: `${server.url}/a/b?c=d`,
    headers: { 'X-Custom': 'a:b' },
    protocols: ['v2', 'v1'],
    auth: { token: ' secret\n', handshake: true },
  });
  const { headers, url } = await server.connection(1);
  await client.open();
  assert.equal(url, '/a/b?c=d');
  assert.equal(headers['x-custom'], 'a:b');
  assert.equal(headers['sec-websocket-protocol'], 'v2,v1');
  assert.equal(headers.authorization, 'Bearer secret');
  assert.equal(headers['sec-websocket-extensions'], undefined);
  assert.equal(client.token, 'secret');
});

test('an empty token, as that of a variable that is not set, is none', async (t) => {
  const server = await FeedServer.start(t);
  const client = new Dialled(t, { url: server.url, auth: { token: '', handshake: true } });
  const { headers } = await server.connection(1);
  await client.open();
  assert.equal(headers.authorization, undefined);
  assert.equal(client.token, undefined);
});

test('a server may choose none of the subprotocols that are offered, and none that is not', async (t) => {
  const silent = await FeedServer.start(t, { choose: () => false });
  const client = await new Dialled(t, { url: silent.url, protocols: ['v2', 'v1'] }).open();
  const connection = await silent.connection(1);
  connection.ws.send('after all');
  await client.until(() => client.frames.length === 1);
  const second = await FeedServer.start(t, { choose: () => 'v1' });
  await new Dialled(t, { url: second.url, protocols: ['v2', 'v1'] }).open();
  const other = await FeedServer.start(t, { choose: () => 'v3' });
  const end = await new Dialled(t, { url: other.url, protocols: ['v2', 'v1'] }).end();
  assert.equal(end.kind, 'unreachable');
  assert.match(end.reason, /^the server chose a subprotocol that was not offered; check protocols/);
});

test('a request that cannot be made is the reason of the end, and nothing is dialled', async (t) => {
  const server = await FeedServer.start(t);
  const request = () => {
    throw new Error('the url needs a token');
  };
  const end = await new Dialled(t, { url: server.url, request }).end();
  assert.deepEqual(end, { kind: 'unreachable', code: 1006, reason: 'the url needs a token' });
  assert.equal(server.handshakes, 0);
});

test('a file is read and a command is run at each connect, and the token may stay out of the handshake', async (t) => {
  const server = await FeedServer.start(t);
  const file = join(folder(t), 'token');
  const sources = [
    { token_file: file, handshake: true },
    { token_command: `cat ${file}`, handshake: true },
    { token_command: ['cat', file], handshake: false },
  ];
  let count = 0;
  for (const auth of sources) {
    for (const token of ['first', 'second']) {
      writeFileSync(file, `${token}\n`);
      const client = await new Dialled(t, { url: server.url, auth }).open();
      count += 1;
      const { headers } = await server.connection(count);
      assert.equal(headers.authorization, auth.handshake ? `Bearer ${token}` : undefined);
      assert.equal(client.token, token);
    }
  }
});

test('a token that cannot be read or sent is an error that shows nothing of it', async (t) => {
  const server = await FeedServer.start(t);
  const missing = join(folder(t), 'missing');
  const cases = [
    [{ token_file: missing }, /^auth.token_file cannot be read: ENOENT/],
    [{ token_command: 'echo secret; echo secret >&2; exit 3' }, /^auth.token_command ended with 3; run it by hand/],
    [{ token_command: ['no-such-command-anywhere'] }, /^auth.token_command failed with ENOENT/],
    [{ token_command: 'true' }, /^what auth.token_command printed is empty/],
    [{ token: 'secret\u0000' }, /^auth.token has characters that a header cannot carry/],
  ] as const;
  for (const [auth, reason] of cases) {
    const end = await new Dialled(t, { url: server.url, auth: { ...auth, handshake: true } }).end();
    assert.equal(end.kind, 'unreachable');
    assert.match(end.reason, reason);
    assert.doesNotMatch(end.reason, /secret/);
  }
  assert.equal(server.handshakes, 0);
});

test('a command that takes too long ends with the connection that it is for', async (t) => {
  const server = await FeedServer.start(t);
  const client = new Dialled(t, { url: server.url, auth: { token_command: ['sleep', '60'], handshake: true } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.terminate();
  await client.end();
  assert.equal(server.handshakes, 0);
});

test('each answer that is not a WebSocket handshake is explained', async (t) => {
  const server = await FeedServer.start(t);
  const cases = [
    [401, {}, /^the server answers 401 Unauthorized: it wants other credentials; check auth/],
    [404, {}, /^the server answers 404 Not Found: there is nothing at this path; check the url/],
    [
      301,
      { location: '/new?token=secret-in-query' },
      /301 Moved Permanently: it redirects to ws:\/\/127.0.0.1:\d+\/new\?…, which is not followed/,
    ],
    [302, { location: 'https://other.example/x' }, /it redirects to wss:\/\/other.example\/x, which is not followed/],
    [200, {}, /it speaks HTTP at this path and no WebSocket/],
    [503, {}, /it takes no connections at the moment/],
    [418, {}, /^the server answers 418 I'm a Teapot$/],
  ] as const;
  for (const [status, headers, reason] of cases) {
    server.answer = { status, headers };
    const client = new Dialled(t, { url: server.url });
    const end = await client.end();
    assert.deepEqual([end.kind, end.code, client.opens], ['refused', 1006, 0]);
    assert.match(end.reason, reason);
    assert.doesNotMatch(end.reason, /secret-in-query/);
  }
});

test('the error of a closed port, another protocol and a broken connection says what is wrong', async (t) => {
  const refused = await new Dialled(t, { url: `ws://127.0.0.1:${await freePort()}` }).end();
  assert.deepEqual(refused.kind, 'unreachable');
  assert.match(refused.reason, /^nothing listens there; check host and port/);

  const other = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('220 mail.example ESMTP\r\n');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  assert.equal((await new Dialled(t, { url: `ws://127.0.0.1:${port}` }).end()).kind, 'unreachable');
  const tls = await new Dialled(t, { url: `wss://127.0.0.1:${port}` }).end();
  assert.match(tls.reason, /TLS failed/);
});

test('a silent server keeps the connection waiting until it is given up; the end is reported once', async (t) => {
  const server = await FeedServer.start(t);
  server.answer = 'silence';
  const client = new Dialled(t, { url: server.url });
  while (server.handshakes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(client.ends, []);
  client.socket.terminate();
  client.socket.terminate();
  await client.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.ends.length, 1);
});

test('giving up before there is a socket reports the end and opens no connection', async (t) => {
  const server = await FeedServer.start(t);
  const client = new Dialled(t, { url: server.url, auth: { token: 'x', handshake: true } });
  assert.equal(client.ends.length, 0);
  client.socket.close(1000, '');
  assert.equal(client.ends.length, 0);
  await client.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([client.ends.length, client.opens, server.handshakes], [1, 0, 0]);
});

test('a message over max_frame ends the connection before it is read, also if it grows when unpacked', async (t) => {
  const plain = await FeedServer.start(t);
  plain.answer = { raw: (accept) => Buffer.concat([accept, rawFrame(2, '', { length: 200 * 1_048_576 })]) };
  const end = await new Dialled(t, { url: plain.url }).end();
  assert.deepEqual(end, {
    kind: 'too_big',
    code: 1009,
    reason: 'the server sent a message larger than max_frame (1MiB); raise it if such messages are meant',
  });

  const packed = await FeedServer.start(t, { compression: true });
  const client = await new Dialled(t, { url: packed.url, compression: true }).open();
  const connection = await packed.connection(1);
  assert.match(String(connection.headers['sec-websocket-extensions']), /permessage-deflate/);
  connection.ws.send('small and fine');
  await client.until(() => client.frames.length === 1);
  connection.ws.send(Buffer.alloc(20 * 1_048_576));
  assert.equal((await client.end()).kind, 'too_big');
});

test('a server that breaks the protocol has another reason than one that vanishes', async (t) => {
  const server = await FeedServer.start(t);
  const broken: readonly (readonly [Buffer, number, RegExp])[] = [
    [rawFrame(3, 'unknown opcode'), 1002, /invalid opcode/],
    [rawFrame(1, 'reserved bit', { reserved: true }), 1002, /RSV1/],
    [rawFrame(1, Buffer.from([0xff, 0xff])), 1007, /invalid UTF-8/],
    [rawFrame(0, 'a continuation of nothing'), 1002, /opcode 0/],
    [rawFrame(8, Buffer.from([0x03, 0xed])), 1002, /status code/],
  ];
  for (const [bytes, code, reason] of broken) {
    server.answer = { raw: (accept) => Buffer.concat([accept, bytes]) };
    const end = await new Dialled(t, { url: server.url }).end();
    assert.deepEqual([end.kind, end.code], ['protocol', code], String(reason));
    assert.match(end.reason, /^the server breaks the WebSocket protocol: (?!.*WebSocket)/);
    assert.match(end.reason, reason);
  }
  server.answer = undefined;
  const client = await new Dialled(t, { url: server.url }).open();
  server.connections.at(-1)?.ws.terminate();
  assert.deepEqual(await client.end(), {
    kind: 'broken',
    code: 1006,
    reason: 'broken off without a closing frame',
  });
});

test('an answer that is not a handshake is not from a WebSocket server', async (t) => {
  const server = await FeedServer.start(t);
  server.answer = {
    raw: (accept) => Buffer.from(String(accept).replace(/Sec-WebSocket-Accept: .*/, 'Sec-WebSocket-Accept: x')),
  };
  const end = await new Dialled(t, { url: server.url }).end();
  assert.equal(end.kind, 'unreachable');
  assert.match(end.reason, /Sec-WebSocket-Accept/);
});

test('closing completes the close handshake, also with unread data before the reply', async (t) => {
  const server = await FeedServer.start(t);
  const client = await new Dialled(t, { url: server.url }, (socket) => socket.pause()).open();
  const connection = await server.connection(1);
  for (let n = 0; n < 50; n++) connection.ws.send('x'.repeat(100_000));
  client.socket.close(1000, 'done');
  const end = await client.end();
  assert.deepEqual([end.kind, end.code], ['closed', 1000]);
});

test('wss:// checks the certificate, asks for a name, and shows its own where it has one', async (t) => {
  const server = await FeedServer.start(t, { tls: { clientCertificate: true } });
  const ca = tlsFile('ca.pem');
  const own = { cert: tlsFile('client.pem'), key: tlsFile('client.key.pem') };
  const end = async (tls: Partial<RemoteTarget['tls']>) =>
    (await new Dialled(t, { url: server.url, tls: { reject_unauthorized: true, ...tls } }).end()).reason;
  assert.match(
    await end({ ...own }),
    /^TLS failed: the certificate of the server is not signed by an authority that is trusted here .*; set tls.ca$/,
  );
  assert.match(await end({ ca, ...own, servername: 'other.test' }), /^TLS failed: the certificate is for another name/);
  assert.match(await end({ ca: '/no/such/file.pem' }), /^tls.ca: ENOENT/);
  assert.notEqual(await end({ ca }), '');
  for (const tls of [
    { ca, ...own },
    { ca, ...own, servername: 'feed.test' },
    { ...own, reject_unauthorized: false },
  ])
    await new Dialled(t, { url: server.url, tls: { reject_unauthorized: true, ...tls } }).open();
});

test('a certificate that is out of date is reported with its time and the time here', async (t) => {
  const server = await FeedServer.start(t);
  const front = await TlsFront.start(t, server.port);
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, authorities());
  const url = `wss://localhost:${front.port}`;
  const tls = { ca, reject_unauthorized: true };
  front.serve('expired');
  assert.match(
    (await new Dialled(t, { url, tls }).end()).reason,
    /^TLS failed: the certificate of the server has expired \(certificate has expired: that of feed\.test was valid until 2021-01-01T00:00:00\.000Z; the clock/,
  );
  front.serve('future');
  assert.match(
    (await new Dialled(t, { url, tls }).end()).reason,
    /^TLS failed: the certificate of the server is not valid yet; check .* that of feed\.test is valid from 2099-01-01T00:00:00\.000Z on; the clock/,
  );
  front.serve('server');
  await new Dialled(t, { url, tls }).open();
});

test('a proxy is asked to connect, with credentials, for ws:// and for wss://', async (t) => {
  const proxy = await startProxy(t, 'me:pass word');
  const plain = await FeedServer.start(t);
  const secure = await FeedServer.start(t, { tls: {} });
  const through = `http://me:pass%20word@127.0.0.1:${proxy.port}`;
  const first = await new Dialled(t, { url: plain.url, proxy: through }).open();
  const second = await new Dialled(t, {
    url: secure.url,
    proxy: through,
    tls: { ca: tlsFile('ca.pem'), reject_unauthorized: true },
  }).open();
  assert.deepEqual(proxy.asked, [`127.0.0.1:${plain.port}`, `localhost:${secure.port}`]);
  for (const [client, server] of [
    [first, plain],
    [second, secure],
  ] as const) {
    (await server.connection(1)).ws.send('through');
    await client.until(() => client.frames.length === 1);
  }
});

test('a handshake that cannot even begin leaves no tunnel behind', async (t) => {
  const proxy = await startProxy(t);
  const server = await FeedServer.start(t);
  const secure = await FeedServer.start(t, { tls: {} });
  const through = `http://127.0.0.1:${proxy.port}`;
  const ca = join(folder(t), 'ca.pem');
  writeFileSync(ca, 'no certificate');
  for (const target of [
    { url: server.url, protocols: ['not one word'] },
    { url: secure.url, tls: { ca, reject_unauthorized: true } },
  ])
    assert.notEqual((await new Dialled(t, { ...target, proxy: through }).end()).reason, '');
  assert.equal(proxy.asked.length, 2);
  const deadline = Date.now() + 5_000;
  while (proxy.open > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(proxy.open, 0);
});

test('a proxy that refuses, and one that is away, are named without their password', async (t) => {
  const server = await FeedServer.start(t);
  const proxy = await startProxy(t, 'me:right');
  const refused = await new Dialled(t, {
    url: server.url,
    proxy: `http://me:wrong-password@127.0.0.1:${proxy.port}`,
  }).end();
  assert.match(refused.reason, /^the proxy http:\/\/127.0.0.1:\d+ answers 407; check user and password/);
  const away = await new Dialled(t, {
    url: server.url,
    proxy: `http://me:wrong-password@127.0.0.1:${await freePort()}`,
  }).end();
  assert.match(away.reason, /^the proxy http:\/\/127.0.0.1:\d+ cannot be reached: /);
  assert.doesNotMatch(refused.reason + away.reason, /wrong-password/);
  assert.equal(server.handshakes, 0);
});
