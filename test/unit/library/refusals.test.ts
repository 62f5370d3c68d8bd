import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { until } from '../../helpers/gateway-process.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const CONFIG: ConfigObject = {
  ...MEMORY,
  admin: { enabled: true, port: 0 },
  listeners: { public: { port: 0 } },
  endpoints: {
    words: { listener: 'public', path: '/ws', codec: 'envelope', max_payload: '100B', origins: 'https://good.example' },
    chat: { listener: 'public', path: '/chat/{username}', codec: 'envelope' },
  },
  pipelines: { in: { source: { endpoint: 'words' }, sink: { topic: { name: 'words' } } } },
};

const HANDSHAKE: Readonly<Record<string, string>> = {
  Host: 'a',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

function requestOf(line: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

async function dial(t: TestContext, gateway: Gateway): Promise<Socket> {
  const socket = connect({ port: gateway.ports().listeners.public ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Sends text and resolves with the status of the answer. */
async function statusOf(t: TestContext, gateway: Gateway, text: string): Promise<number> {
  const socket = await dial(t, gateway);
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(String(data).split(' ')[1]);
}

/** Series of a metric that are not 0, as `a/b 3`, in order. */
async function countsOf(gateway: Gateway, metric: string, labels: readonly [string, string]): Promise<string[]> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
  const value = (line: string, label: string) => new RegExp(`${label}="([^"]*)"`).exec(line)?.[1];
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) && !line.endsWith(' 0'))
    .map((line) => `${value(line, labels[0])}/${value(line, labels[1])} ${line.split(' ').at(-1)}`)
    .sort();
}

test('refusals are counted by the code of their answer, and nothing that clients choose becomes a label', async (t) => {
  const gateway = await gatewayOf(t, CONFIG);
  await ready(gateway);
  const { 'Sec-WebSocket-Key': _key, ...keyless } = HANDSHAKE;
  const asked: [text: string, status: number][] = [
    [requestOf('GET /none', HANDSHAKE), 404],
    [requestOf('GET /other', HANDSHAKE), 404],
    [requestOf('GET /none', { Host: 'a' }), 404],
    [requestOf('GET /ws', { Host: 'a' }), 426],
    [requestOf('GET /ws', keyless), 400],
    [requestOf('GET /ws', { ...HANDSHAKE, 'Sec-WebSocket-Version': '7' }), 400],
    [requestOf('POST /ws', HANDSHAKE), 405],
    [requestOf('GET /ws', { ...HANDSHAKE, Origin: 'https://evil.example' }), 403],
    [requestOf('GET /chat/%00', HANDSHAKE), 404],
    ['nonsense\r\n\r\n', 400],
    [requestOf('GET /ws', { ...HANDSHAKE, X: 'x'.repeat(20_000) }), 431],
    [requestOf('GET /health', { Host: 'a' }), 200],
  ];
  for (const [text, status] of asked) assert.equal(await statusOf(t, gateway, text), status, text.slice(0, 200));
  assert.deepEqual(await countsOf(gateway, 'tidegate_connections_refused_total', ['endpoint', 'reason']), [
    '-/bad_request 1',
    '-/headers_too_large 1',
    '-/not_found 3',
    'chat/path 1',
    'words/bad_handshake 3',
    'words/origin 1',
    'words/upgrade_required 1',
  ]);
});

test('a token in the URL of a request that is refused is in no answer, line or metric', async (t) => {
  const kept = keptLogger();
  const gateway = await gatewayOf(t, CONFIG, { logger: kept.logger });
  await ready(gateway);
  const { 'Sec-WebSocket-Key': _key, ...keyless } = HANDSHAKE;
  const evil = { ...HANDSHAKE, Origin: 'https://evil.example' };
  const answers: string[] = [];
  for (const path of ['/ws', '/none', '/chat/%00', '//['])
    for (const headers of [keyless, evil, { Host: 'a' }]) {
      const socket = await dial(t, gateway);
      socket.write(requestOf(`GET ${path}?access_token=verborgen`, headers));
      const [data] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      answers.push(String(data));
    }
  assert.equal(answers.length, 12);
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
  assert.ok(kept.warnings().some((line) => line.includes('evil.example')));
  for (const said of [...answers, metrics, JSON.stringify(kept.lines)]) assert.ok(!said.includes('verborgen'), said);
});

test('a client that breaks the protocol is counted by its close code, and logged once a minute', async (t) => {
  const kept = keptLogger();
  const gateway = await gatewayOf(t, CONFIG, { logger: kept.logger });
  const closes: [code: number, reason: string][] = [];
  gateway.on('ws-close', (_client, { code, reason }) => void closes.push([code, reason]));
  await ready(gateway);
  const wrong: [frame: number[], code: number][] = [
    [[0x81, 0x01, 0x61], 1002],
    [[0x83, 0x80, 0, 0, 0, 0], 1002],
    [[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
    [[0x81, 0xfe, 0x01, 0x00, 0, 0, 0, 0], 1009],
  ];
  for (const [index, [frame, code]] of wrong.entries()) {
    const socket = await dial(t, gateway);
    let sent = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      sent = Buffer.concat([sent, data]);
    });
    socket.write(requestOf('GET /ws', HANDSHAKE));
    await until(
      () => sent.includes('Welcome'),
      10_000,
      () => 'it was not let in',
    );
    socket.write(Buffer.from(frame));
    const close = Buffer.from([0x88, 0x02, code >> 8, code & 0xff]);
    await until(
      () => sent.includes(close),
      10_000,
      () => `there was no close frame with ${code}`,
    );
    // It does not answer the close frame.
    socket.destroy();
    await until(
      () => closes.length > index,
      10_000,
      () => 'the client is still there',
    );
  }
  assert.deepEqual(
    closes.map(([code]) => code),
    wrong.map(([, code]) => code),
  );
  assert.deepEqual(await countsOf(gateway, 'tidegate_connections_closed_total', ['endpoint', 'code']), [
    'words/1002 2',
    'words/1007 1',
    'words/1009 1',
  ]);
  const restarted = await dial(t, gateway);
  let last = Buffer.alloc(0);
  restarted.on('data', (data: Buffer) => {
    last = Buffer.concat([last, data]);
    // Neither does this one, which is closed because the gateway stops.
    if (last.includes('service restart')) restarted.destroy();
  });
  restarted.write(requestOf('GET /ws', HANDSHAKE));
  await until(
    () => last.includes('Welcome'),
    10_000,
    () => 'it was not let in',
  );
  await gateway.stop();
  assert.deepEqual(closes.at(-1), [1012, 'service restart']);
  const lines = kept.lines.filter(({ text }) => text.includes('broke the WebSocket protocol'));
  assert.deepEqual(
    lines.map(({ level, facts }) => [level, (facts as { code: number }).code]),
    [1002, 1007, 1009].map((code) => ['warn', code]),
  );
  assert.match(lines[2]?.text ?? '', /^a client of words broke .* closed with 1009: .*; raise max_payload/);
});
