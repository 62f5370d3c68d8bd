import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { TestClient } from '../../helpers/client.ts';
import { Neighbours } from '../../helpers/neighbour-latency.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, next, ready } from './rig.ts';

const FACTS = {
  remote: '${! meta.remote }',
  query: '${! $string(meta.query) }',
  listed: '${! $string(meta.headers) }',
};

function config(listener: object, endpoint: object = {}): ConfigObject {
  return {
    ...MEMORY,
    admin: { port: 0 },
    listeners: { public: { port: 0, host: '127.0.0.1', ...listener } },
    endpoints: { words: { listener: 'public', path: '/ws', codec: 'envelope', ...endpoint } },
    pipelines: {
      in: {
        source: { endpoint: 'words' },
        sink: { topic: { name: 'words', headers: FACTS } },
      },
    },
  } as ConfigObject;
}

const portOf = (gateway: Gateway) => gateway.ports().listeners.public ?? 0;
const urlOf = (gateway: Gateway) => `ws://127.0.0.1:${portOf(gateway)}/ws`;

async function metric(gateway: Gateway, series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  assert.ok(line !== undefined, `no ${series}`);
  return Number(line.split(' ')[1]);
}

/** What a refused handshake is answered with. */
async function refusal(gateway: Gateway, headers: Record<string, string> = {}) {
  const ws = new WebSocket(urlOf(gateway), { headers });
  ws.on('error', () => {});
  const [, response] = await once(ws, 'unexpected-response');
  response.resume();
  ws.terminate();
  return { status: response.statusCode, retryAfter: Number(response.headers['retry-after']) };
}

test('behind a trusted proxy messages have the address of the client alone, the query, and listed headers', async (t) => {
  const gateway = await gatewayOf(t, config({ trusted_proxies: ['127.0.0.0/8'] }, { meta_headers: ['X-Shop'] }));
  await ready(gateway);
  const stored = firstValueFrom(gateway.topic('words').records$);
  await next(gateway, 'consumer-ready');
  const arrived = next(gateway, 'ws-connection');
  const headers = { 'X-Forwarded-For': '203.0.113.9, 192.0.2.7', 'X-Shop': '7', Cookie: 'a=b' };
  const client = await TestClient.open(`${urlOf(gateway)}?lang=de&token=secret`, { headers });
  assert.equal((await arrived)[1].remote, '192.0.2.7');
  client.send('hello');
  const record = await stored;
  const facts = Object.fromEntries([...record.headers].map(([name, value]) => [name, String(value)]));
  assert.deepEqual(
    [facts.remote, JSON.parse(facts.query ?? ''), JSON.parse(facts.listed ?? '')],
    ['192.0.2.7', { lang: 'de' }, { 'x-shop': '7' }],
  );
  client.ws.terminate();
});

test('by the PROXY protocol the address is that of the header; without it a connection is cut and counted', async (t) => {
  const { logger, lines } = keptLogger();
  const gateway = await gatewayOf(t, config({ proxy_protocol: 'v1' }), { logger });
  await ready(gateway);
  const arrived = next(gateway, 'ws-connection');
  const socket = connect(portOf(gateway), '127.0.0.1');
  await once(socket, 'connect');
  socket.write('PROXY TCP4 192.0.2.8 198.51.100.1 51234 443\r\n');
  const ws = new WebSocket(urlOf(gateway), { createConnection: () => socket });
  await once(ws, 'open');
  assert.equal((await arrived)[1].remote, '192.0.2.8');
  ws.terminate();

  for (let index = 0; index < 3; index++) await assert.rejects(TestClient.open(urlOf(gateway)));
  assert.equal(await metric(gateway, 'tidegate_connections_refused_total{endpoint="-",reason="proxy_header"}'), 3);
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /127\.0\.0\.1 is cut: the connection does not begin with a PROXY header of v1/);
});

test('a storm of handshakes is let in at its rate, and what is refused comes back at moments of its own', async (t) => {
  const gateway = await gatewayOf(t, config({ limits: { handshakes: '5/m' } }));
  await ready(gateway);
  for (let index = 0; index < 5; index++) (await TestClient.open(urlOf(gateway))).ws.terminate();
  const refused = await Promise.all(Array.from({ length: 20 }, () => refusal(gateway)));
  assert.ok(refused.every(({ status }) => status === 429));
  assert.ok(new Set(refused.map(({ retryAfter }) => retryAfter)).size > 5);
  assert.equal(
    await metric(gateway, 'tidegate_connections_refused_total{endpoint="words",reason="handshake_rate"}'),
    20,
  );
});

test('an address has its own limits, by the address that its proxy gives; others come in', async (t) => {
  const { logger, lines } = keptLogger();
  const limits = { per_address: { connections: 2, handshakes: '4/m' } };
  const gateway = await gatewayOf(t, config({ trusted_proxies: '127.0.0.1', limits }), { logger });
  await ready(gateway);
  const from = (address: string) => ({ 'X-Forwarded-For': address });
  const open = (address: string) => TestClient.open(urlOf(gateway), { headers: from(address) });
  const clients = [await open('192.0.2.1'), await open('192.0.2.1')];
  assert.equal((await refusal(gateway, from('192.0.2.1'))).status, 429);
  clients.push(await open('192.0.2.2'));
  await clients[0]?.close();
  clients.push(await open('192.0.2.1'));
  await clients[1]?.close();
  clients.push(await open('192.0.2.1'));
  await clients[3]?.close();
  assert.equal((await refusal(gateway, from('192.0.2.1'))).status, 429);
  const series = (reason: string) => `tidegate_connections_refused_total{endpoint="words",reason="${reason}"}`;
  assert.equal(await metric(gateway, series('address_connections')), 1);
  assert.equal(await metric(gateway, series('address_handshakes')), 1);
  const logged = lines.filter(({ level }) => level === 'warn').map(({ facts }) => facts as Record<string, unknown>);
  assert.deepEqual(
    logged.map(({ reason, address }) => [reason, address]),
    [
      ['address_connections', '192.0.2.1'],
      ['address_handshakes', '192.0.2.1'],
    ],
  );
  for (const client of clients) client.ws.terminate();
});

test('the head of a request has a number of headers, a size and a time', async (t) => {
  const gateway = await gatewayOf(
    t,
    config({ limits: { headers: { count: 20, bytes: '2KiB' }, handshake_timeout: '200ms' } }),
  );
  await ready(gateway);
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`x-${index}`, 'x']));
  assert.equal((await refusal(gateway, many)).status, 431);
  assert.equal((await fetch(urlOf(gateway).replace('ws:', 'http:'), { headers: many })).status, 431);
  assert.equal((await refusal(gateway, { 'x-long': 'x'.repeat(2_048) })).status, 431);
  assert.equal(await metric(gateway, 'tidegate_connections_refused_total{endpoint="-",reason="headers_too_large"}'), 3);
  const slow = connect(portOf(gateway), '127.0.0.1');
  slow.write('GET /ws HTTP/1.1\r\nHost: a\r\n');
  const [answer] = await once(slow, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 408 /);
  (await TestClient.open(urlOf(gateway))).ws.terminate();
});

test('a client over its rate is slowed to it, and ten neighbours keep their latency', async (t) => {
  const limits = { messages: '200/s', burst: '500ms' };
  const gateway = await gatewayOf(t, config({}, { limits }));
  await ready(gateway);
  const neighbours = await Neighbours.open(() => TestClient.open(urlOf(gateway)));
  const greedy = await TestClient.open(urlOf(gateway));
  let began = 0;
  await neighbours.keepTheirLatency(() => {
    began = performance.now();
    for (let index = 0; index < 500; index++) greedy.send('more', { id: index });
  });
  const answered = greedy.of('ACK').length;
  await greedy.until(() => greedy.of('ACK').length === 500);
  // 100 at once, and 400 at 200 a second.
  const seconds = (performance.now() - began) / 1_000;
  assert.ok(seconds > 1.8, `500 messages took ${seconds} s`);
  assert.ok(answered < 500, 'the neighbours were measured too late');
  assert.equal(greedy.closed, undefined);
  assert.ok((await metric(gateway, 'tidegate_clients_limited_total{endpoint="words",reason="messages"}')) > 0);
  greedy.ws.terminate();
  neighbours.leave();
});

test('where the endpoint closes clients over their bytes, it says 4429, and the others stay', async (t) => {
  const gateway = await gatewayOf(t, config({}, { limits: { bytes: '1KiB/s', when_over: 'close' } }));
  await ready(gateway);
  const greedy = await TestClient.open(urlOf(gateway));
  const neighbour = await TestClient.open(urlOf(gateway));
  neighbour.send('small');
  for (let index = 0; index < 10; index++) greedy.send('x'.repeat(300));
  await greedy.until(() => greedy.closed !== undefined);
  assert.deepEqual(greedy.closed, { code: 4429, reason: 'more than limits.bytes allows' });
  await neighbour.until(() => neighbour.of('ACK').length === 1);
  assert.equal(neighbour.closed, undefined);
  assert.equal(await metric(gateway, 'tidegate_clients_limited_total{endpoint="words",reason="bytes"}'), 1);
  assert.equal(await metric(gateway, 'tidegate_connections_closed_total{endpoint="words",code="4429"}'), 1);
  neighbour.ws.terminate();
});
