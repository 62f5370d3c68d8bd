// Own process: it measures its own heap and open files, and listens for unhandled rejections.
// Slow: it sends thousands of frames to real endpoints.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { createGateway, type Gateway } from '../../src/index.ts';
import { CLOSE_CODES } from '../../src/transports/websocket/close-codes.ts';
import { until } from '../helpers/gateway-process.ts';
import { FUZZED_CODECS, frame, hostileFrames } from '../helpers/hostile-frames.ts';
import { hostileHandshake } from '../helpers/hostile-handshakes.ts';
import { converse, type ServerFrame, serverFrames } from '../helpers/raw-conversation.ts';

/* Clients that are broken or mean harm, against the listener and every codec: 10,000 frames here, 1,000,000 in soak. */

const IS_SOAK = process.env.RUNS !== undefined;
const FRAMES = IS_SOAK ? 1_000_000 : 10_000;
const HANDSHAKES = IS_SOAK ? 100_000 : 3_000;
const CREDENTIALS = IS_SOAK ? 10_000 : 2_000;
const AT_ONCE = 16;

const KNOWN_CODES = new Set<number>(Object.values(CLOSE_CODES).map(({ code }) => code));
/** The answer to a close frame without a code (RFC 6455 7.1.5 has no name for it on the wire). */
const NORMAL = 1000;

suite('hostile clients', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-hostile-'));
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  let gateway: Gateway;
  let port = 0;

  before(async () => {
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    gateway = await createGateway({ config: CONFIG(folder) });
    await gateway.start();
    await gateway.ready();
    port = gateway.ports().listeners.public ?? 0;
  });
  after(async () => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const codec of FUZZED_CODECS)
    test(`${codec}: every connection is ended with a reason, and nothing is left of it`, async () => {
      const path = codec === 'chat' ? '/chat/fuzz' : `/${codec}`;
      const ours = await traffic(port, path, hostileFrames(codec), 200);
      const before = await vitals();
      let sent = 0;
      while (sent < FRAMES / FUZZED_CODECS.length) sent += await traffic(port, path, hostileFrames(codec), 1_000);
      assert.ok(ours > 0 && sent > 0);
      assert.deepEqual(unhandled, []);
      await assertNoLeak(before);
      await assertAlive(port, path);
    });

  test('clients with wrong tokens: each is refused with a reason, and nothing is left of it', async () => {
    await handshakes(port, 500, hostileCredentials);
    const before = await vitals();
    for (let done = 0; done < CREDENTIALS; done += 500) await handshakes(port, 500, hostileCredentials);
    assert.deepEqual(unhandled, []);
    await assertNoLeak(before);
    assert.equal(gateway.inspect().endpoints.find(({ name }) => name === 'secured')?.connections, 0);
  });

  test('handshakes that are none: each gets an answer with a reason, or the end of its connection', async () => {
    await handshakes(port, 500);
    const before = await vitals();
    for (let done = 0; done < HANDSHAKES; done += 500) await handshakes(port, 500);
    assert.deepEqual(unhandled, []);
    await assertNoLeak(before);
    for (const codec of FUZZED_CODECS) await assertAlive(port, codec === 'chat' ? '/chat/fuzz' : `/${codec}`);
  });
});

/** Nearly tokens, at each place, and in one of four places two of them. */
const hostileCredentials = fc
  .record({
    text: fc.oneof(
      fc.string({ maxLength: 60 }).map((words) => words.replace(/[\r\n\0]/g, ' ')),
      fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 4 }).map((parts) => parts.join('.')),
      fc.constant(`${Buffer.from('{"alg":"HS256"}').toString('base64url')}.e30.${'A'.repeat(43)}`),
      fc.constant(`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`),
    ),
    isPage: fc.boolean(),
    place: fc.constantFrom(
      (text: string) => `?access_token=${encodeURIComponent(text)}`,
      (text: string) => `?access_token=${encodeURIComponent(text)}&access_token=x`,
      (text: string) => `\r\nAuthorization: Bearer ${text}`,
      (text: string) => `\r\nSec-WebSocket-Protocol: tidegate.v1, bearer.${text}`,
      (text: string) => `\r\nCookie: sid=${text}; sid=${text}`,
      () => '',
    ),
  })
  .map(({ text, isPage, place }) => {
    const [query = '', ...headers] = place(text).split(/(?=\r\n)/);
    const origin = isPage ? '\r\nOrigin: http://localhost' : '';
    return HANDSHAKE(`/secured${query}`, `${headers.join('')}${origin}`);
  });

const HANDSHAKE = (path: string, more = '') =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: localhost${more}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
const CLOSE = frame(Buffer.from([0x03, 0xe8]), 8).bytes;

/** Some connections of hostile clients; the number of frames that were sent. */
async function traffic(port: number, path: string, frames: ReturnType<typeof hostileFrames>, least: number) {
  let sent = 0;
  while (sent < least) {
    const scripts = fc.sample(frames, AT_ONCE);
    await Promise.all(
      scripts.map(async (script) => {
        const bytes = [HANDSHAKE(path), Buffer.concat(script.map((each) => each.bytes)), CLOSE];
        const { received, isEnded } = await converse(port, bytes);
        const answer = serverFrames(received);
        const shown = () => `${path} ${JSON.stringify(script.map((each) => each.bytes.toString('latin1')))}`;
        assert.match(answer.head, /^HTTP\/1\.1 101 /, shown());
        assert.ok(isEnded, `not ended: ${shown()}`);
        assertReasons(answer.frames, shown);
        const isBroken = script.some(({ breaksProtocol }) => breaksProtocol);
        if (isBroken) assert.notEqual(codeOf(answer.frames), NORMAL, `a broken frame was taken: ${shown()}`);
      }),
    );
    sent += scripts.reduce((sum, { length }) => sum + length, 0);
  }
  return sent;
}

function codeOf(frames: readonly ServerFrame[]): number | undefined {
  const close = frames.find(({ opcode }) => opcode === 8);
  return close === undefined || close.payload.length < 2 ? undefined : close.payload.readUInt16BE(0);
}

/** A close has a code of the documented ones; an answer that is an error says which, and why. */
function assertReasons(frames: readonly ServerFrame[], shown: () => string): void {
  const code = codeOf(frames);
  // Those of the protocol of Centrifugo's clients.
  const isOfProtocol = code !== undefined && code >= 3000 && code < 4000;
  assert.ok(
    code === undefined || code === NORMAL || isOfProtocol || KNOWN_CODES.has(code),
    `closed with ${code}: ${shown()}`,
  );
  for (const { opcode, payload } of frames) {
    if (opcode !== 1 || !payload.toString().startsWith('{')) continue;
    const answer = JSON.parse(payload.toString()) as Record<string, unknown>;
    if (answer.messageType === 'ERROR' || answer.s === 1 || answer.type === 'error')
      assert.match(String(answer.content ?? answer.p ?? answer.message), /\w{3,}/, `${payload} ${shown()}`);
  }
}

/** The port still takes a client that keeps to the rules. */
async function assertAlive(port: number, path: string): Promise<void> {
  const { received, isEnded } = await converse(port, [HANDSHAKE(path), CLOSE]);
  const { head, frames } = serverFrames(received);
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.equal(codeOf(frames), NORMAL);
  assert.ok(isEnded);
}

async function handshakes(port: number, count: number, kind = hostileHandshake): Promise<void> {
  const requests = fc.sample(kind, count);
  for (let at = 0; at < requests.length; at += AT_ONCE)
    await Promise.all(
      requests.slice(at, at + AT_ONCE).map(async (request) => {
        const { received, isEnded } = await converse(port, [request]);
        const shown = JSON.stringify([request.toString('latin1'), received.toString('latin1')]);
        assert.ok(isEnded, shown);
        const [status, body = ''] = statusOf(received);
        if (status === 101) assertReasons(serverFrames(received).frames, () => shown);
        if (status === 101 || (status === undefined && received.length === 0)) return;
        if (!request.toString('latin1').startsWith('HEAD'))
          assert.match(body, /^{"error":{"code":"\w+","message":".{8,}"}}/, shown);
        assert.ok(status !== undefined && status >= 400 && status < 500, shown);
      }),
    );
}

/** Status and body of an HTTP answer. */
function statusOf(received: Buffer): readonly [number | undefined, string?] {
  const [, status, body] = /^HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n([\s\S]*)$/.exec(received.toString('latin1')) ?? [];
  return [status === undefined ? undefined : Number(status), body];
}

interface Vitals {
  readonly heap: number;
  readonly files: number;
}

const gc: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

async function vitals(): Promise<Vitals> {
  for (let times = 0; times < 3; times += 1) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { heap: process.memoryUsage().heapUsed, files: openFiles() };
}

function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

/** A connection that is kept whole takes some 10 KB: even the few hundred of `npm test` are more than this. */
async function assertNoLeak(before: Vitals): Promise<void> {
  await until(
    async () => openFiles() <= before.files + 2,
    15_000,
    () => `${openFiles()} files are open, ${before.files} before`,
  );
  const { heap } = await vitals();
  assert.ok(heap < before.heap + 3_000_000, `${heap} bytes of heap, ${before.heap} before`);
}

function CONFIG(folder: string) {
  const endpoint = (path: string, codec: object | string, more: object = {}) => ({
    listener: 'public',
    path,
    codec,
    max_payload: '64KiB',
    ...more,
  });
  const pipes = (name: string) => ({
    [`${name}-in`]: { source: { endpoint: name }, sink: { topic: { name: `${name}-records` } } },
    [`${name}-out`]: {
      source: { topic: { names: [`${name}-records`], from: 'latest' as const } },
      sink: { endpoint: name },
    },
  });
  return {
    log: { driver: 'embedded' as const, embedded: { path: folder, retention_bytes: '16MiB' } },
    admin: { enabled: false },
    listeners: { public: { port: 0, host: '127.0.0.1' } },
    auth: {
      users: {
        jwt: { secret: 'a secret that no client of this test has got', algorithms: ['HS256' as const] },
        token: ['header' as const, 'protocol' as const, { query: 'access_token' }, { cookie: 'sid' }],
      },
    },
    endpoints: {
      secured: endpoint('/secured', 'json', { auth: 'users', protocols: ['tidegate.v1'], direction: 'out' }),
      raw: endpoint('/raw', 'raw'),
      json: endpoint('/json', { json: { answers: true } }),
      envelope: endpoint('/envelope', 'envelope'),
      topics: endpoint('/topics', 'topics', {
        allow: { create: 'fuzz-*', read: 'fuzz-*', write: 'fuzz-*', groups: 'fuzz-*' },
      }),
      centrifuge: endpoint(
        '/centrifuge',
        { centrifuge: { calls: true } },
        {
          channels: { history: {}, presence: { topic: 'fuzz' } },
          allow: { subscribe: 'fuzz*', publish: 'fuzz*' },
        },
      ),
      rooms: endpoint('/rooms', 'rooms', {
        presence: { topic: 'rooms-records' },
        allow: { direct: 'everyone', kick: 'everyone' },
      }),
      chat: endpoint('/chat/{username}', 'chat', { presence: { topic: 'chat-records' } }),
    },
    pipelines: Object.assign({}, ...['raw', 'json', 'envelope', 'centrifuge', 'rooms', 'chat'].map(pipes)),
  };
}
