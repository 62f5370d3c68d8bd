import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gatewayOf, MEMORY } from './rig.ts';

/** A codec whose clients offer subprotocols of their own. */
const CODEC = `export default {
  kind: 'codec', name: 'spoken', summary: 'Says nothing.', examples: [], protocols: ['spoken.v2', 'spoken.v1'],
  checksParams: true,
  config: { safeParse: (data) => ({ success: true, data }) },
  create: () => ({
    answers: false,
    open: () => ({ state: null, effects: [] }), frame: () => [], settled: () => null, record: () => null, dropped: () => null,
  }),
};`;

/** What the endpoint at that path chooses of what a client offers; undefined for none. */
function chosen(port: number | undefined, path: string, offered: string): Promise<string | undefined> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': offered,
  };
  return new Promise((resolve, reject) => {
    const request = get({ port, path, headers, agent: false });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.headers['sec-websocket-protocol']);
    });
    request.on('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
    request.on('error', reject);
  });
}

function pluginOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-codec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'spoken.mjs'), CODEC);
  return join(folder, 'spoken.mjs');
}

test('a client gets the first of its subprotocols that the endpoint lists, else none, and is accepted', async (t) => {
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    plugins: [pluginOf(t)],
    listeners: { public: { port: 0 } },
    endpoints: {
      none: { listener: 'public', path: '/none', codec: 'raw' },
      some: { listener: 'public', path: '/some/{name}', codec: 'raw', protocols: 'v2, v1' },
      own: { listener: 'public', path: ['/own', '/own/{name}'], codec: 'spoken' },
      other: { listener: 'public', path: '/other', codec: 'spoken', protocols: [] },
    },
    log: { driver: 'embedded', embedded: { memory: true }, topics: { t: {} } },
    pipelines: Object.fromEntries(
      ['none', 'some', 'own', 'other'].map((name) => [
        name,
        { source: { endpoint: name }, sink: { topic: { name: 't' } } },
      ]),
    ),
  });
  await gateway.start();
  const { public: port } = gateway.ports().listeners;
  const choices: [string, string, string | undefined][] = [
    ['/none', 'mqtt', undefined],
    ['/none', 'graphql-ws, v1', undefined],
    ['/some/a', 'mqtt', undefined],
    ['/some/a', 'V1', undefined],
    ['/some/a', 'mqtt, v1, v2', 'v1'],
    // Turned away behind the handshake, as a browser sees no other reason.
    ['/own/%ff', 'mqtt, spoken.v1', 'spoken.v1'],
    ['/own/%ff', 'mqtt', undefined],
    ['/own', 'mqtt, spoken.v1, spoken.v2', 'spoken.v1'],
    ['/other', 'spoken.v1', undefined],
  ];
  for (const [path, offered, expected] of choices)
    assert.equal(await chosen(port, path, offered), expected, `${path} ${offered}`);
});
