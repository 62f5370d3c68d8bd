// Own process: it measures its own heap and open files.
// Slow: it opens hundreds of TLS connections.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { get } from 'node:https';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WebSocket } from 'ws';
import type { ConfigObject } from '../../../src/index.ts';
import { Authority, CertificateFolder } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const SOCKETS = 500;
/** Bytes by which the heap may differ: what was compiled and cached meanwhile. */
const HEAP_NOISE = 8_388_608;

const echo = (
  tls: { cert: string; key: string; client_ca?: string; reload?: string },
  more: ConfigObject = {},
): ConfigObject => ({
  ...MEMORY,
  ...more,
  listeners: { public: { port: 0, host: '127.0.0.1', tls } },
  endpoints: { orders: { listener: 'public', path: '/orders', codec: 'json' } },
  pipelines: {
    in: { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders' } } },
    out: { source: { topic: { names: ['orders'] } }, sink: { endpoint: 'orders' } },
  },
});

const descriptors = () => readdirSync('/proc/self/fd').length;

function heap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** The name in the certificate that a port shows. */
async function shownBy(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca });
  await once(socket, 'secureConnect');
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

async function answerOf(url: string, ca: string): Promise<[number | undefined, string]> {
  const [response] = await once(get(url, { ca, agent: false }), 'response');
  let body = '';
  for await (const bytes of response) body += bytes;
  return [response.statusCode, body];
}

test('500 open sockets outlive a new certificate, which new clients see; nothing is left of them', async (t) => {
  const authority = new Authority(t);
  const ca = authority.cert;
  const folder = new CertificateFolder(t);
  folder.write(authority.issue({ name: 'first' }));
  const gateway = await gatewayOf(t, echo({ ...folder.settings, reload: '50ms' }));
  await ready(gateway);
  const port = gateway.ports().listeners.public ?? 0;
  const open = () => TestClient.open(`wss://127.0.0.1:${port}/orders`, { ca });
  const first = await open();
  first.ws.terminate();
  await until(
    () => gateway.inspect().endpoints[0]?.connections === 0,
    5_000,
    () => 'the first client is still there',
  );
  const before = { heap: heap(), descriptors: descriptors() };

  const clients = await Promise.all(Array.from({ length: SOCKETS }, open));
  assert.equal(await shownBy(port, ca), 'first');
  folder.write(authority.issue({ name: 'second' }));
  await until(
    async () => (await shownBy(port, ca)) === 'second',
    10_000,
    () => 'the first one is still shown',
  );
  const late = await open();
  assert.equal(nameShownTo(late), 'second');
  late.ws.send('{"late":true}');
  for (const client of [...clients, late]) await client.until(() => client.frames.length === 1);
  assert.ok(clients.every(({ closed }) => closed === undefined));
  assert.equal(nameShownTo(clients[0] as TestClient), 'first');
  for (const client of clients) client.ws.send('{"n":1}');
  await late.until(() => late.frames.length === SOCKETS + 1);

  for (const { ws } of [...clients, late]) ws.terminate();
  await until(
    () => descriptors() <= before.descriptors,
    10_000,
    () => `${descriptors()} descriptors are open`,
  );
  assert.ok(heap() < before.heap + HEAP_NOISE, `the heap grew from ${before.heap} to ${heap()} bytes`);
});

function nameShownTo({ ws }: TestClient): string {
  const { _socket } = ws as unknown as { _socket: TLSSocket };
  return String(_socket.getPeerCertificate().subject?.CN);
}

test('TLS clients at a plain port are counted, and logged once a minute', async (t) => {
  const kept = keptLogger();
  const config = { ...echo({ cert: '', key: '' }), listeners: { public: { port: 0, host: '127.0.0.1' } } };
  const gateway = await gatewayOf(t, { ...config, admin: { port: 0, host: '127.0.0.1' } }, { logger: kept.logger });
  await ready(gateway);
  const { admin, listeners } = gateway.ports();
  for (let n = 0; n < 3; n++)
    await assert.rejects(TestClient.open(`wss://127.0.0.1:${listeners.public}/orders`, { rejectUnauthorized: false }));
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  assert.match(metrics, /tidegate_connections_refused_total\{endpoint="-",reason="tls"\} 3/);
  const lines = kept.lines.filter(({ text }) => text.includes('they speak TLS to a port that has none'));
  assert.equal(lines.length, 1);
});

test('listener, admin port and Connect API speak TLS, with PEM text and client certificates', async (t) => {
  const authority = new Authority(t);
  const ca = authority.cert;
  const { cert, key } = authority.issue({ name: 'gateway' });
  const tls = { cert, key };
  const gateway = await gatewayOf(
    t,
    echo({ ...tls, client_ca: ca }, { admin: { port: 0, host: '127.0.0.1', tls }, connect: { port: 0, tls } }),
  );
  await ready(gateway);
  const { admin, connect: rest, listeners } = gateway.ports();
  assert.equal((await answerOf(`https://127.0.0.1:${admin}/ready`, ca))[0], 200);
  assert.match(
    (await answerOf(`https://127.0.0.1:${admin}/metrics`, ca))[1],
    /tidegate_tls_certificate_expiry_seconds\{place="listeners\.public"\} 25\d{5}/,
  );
  assert.match((await answerOf(`https://127.0.0.1:${rest}/`, ca))[1], /"version":/);
  const url = `wss://127.0.0.1:${listeners.public}/orders`;
  const stranger = new WebSocket(url, { ca });
  assert.match(String((await once(stranger, 'error'))[0]), /alert|reset|hang up/i);
  const device = await TestClient.open(url, { ca, ...authority.issue({ name: 'device-7' }) });
  device.ws.send('{"n":1}');
  await device.until(() => device.frames.length === 1);
  device.ws.terminate();
});
