import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:https';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as secure } from 'node:tls';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { Authority } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { converse } from '../../helpers/raw-conversation.ts';
import { keptLogger } from '../actors/rig.ts';
import { EC, jwkOf, keyServer, SECRET, tokenOf } from '../auth/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

/* Who clients are, on real listeners: certificates, tokens, limits and origins together. */

const JWT = { secret: SECRET, algorithms: ['HS256'], clock_skew: '0s' };
const sign = (claims: object) => tokenOf({ alg: 'HS256' }, claims, SECRET);

interface Ends {
  readonly url: string;
  readonly gateway: Gateway;
  readonly metric: (series: string) => Promise<number>;
  readonly lines: ReturnType<typeof keptLogger>['lines'];
}

async function setUp(t: TestContext, auth: object, endpoint: object, listener: object = {}): Promise<Ends> {
  const kept = keptLogger();
  const gateway = await gatewayOf(t, configOf(auth, endpoint, listener), { logger: kept.logger });
  await ready(gateway);
  const { admin, listeners } = gateway.ports();
  const metric = async (series: string) => {
    const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1] ?? Number.NaN,
    );
  };
  const scheme = 'tls' in listener ? 'wss' : 'ws';
  return { url: `${scheme}://127.0.0.1:${listeners.public}/orders`, gateway, metric, lines: kept.lines };
}

function configOf(auth: object, endpoint: object, listener: object): ConfigObject {
  return {
    ...MEMORY,
    admin: { port: 0, host: '127.0.0.1' },
    auth: { users: auth },
    listeners: { public: { port: 0, host: '127.0.0.1', ...listener } },
    endpoints: { orders: { listener: 'public', path: '/orders', codec: 'envelope', auth: 'users', ...endpoint } },
    pipelines: {
      in: {
        source: { endpoint: 'orders' },
        sink: { topic: { name: 'orders', key: '${! auth.sub }', headers: { seen: '${! $string(meta) }' } } },
      },
      out: {
        source: { topic: { names: ['orders'] } },
        processors: [{ map: { json: '${! { "key": key, "seen": headers.seen } }' } }],
        sink: { endpoint: 'orders' },
      },
    },
  } as ConfigObject;
}

async function* none() {}

/** Status and body of a handshake that is refused; 101 for one that is not. */
async function refusal(url: string, options: WebSocket.ClientOptions = {}, protocols: string[] = []) {
  const ws = new WebSocket(url, protocols, options);
  ws.on('error', () => {});
  ws.once('open', () => ws.emit('unexpected-response', undefined, { statusCode: 101, [Symbol.asyncIterator]: none }));
  const [, response] = await once(ws, 'unexpected-response');
  let body = '';
  for await (const bytes of response) body += bytes;
  return `${response.statusCode} ${body}`;
}

const bearer = (claims: object) => ({ headers: { authorization: `Bearer ${sign(claims)}` } });

test('the certificate of a client is its identity on a TLS listener, for allow, keys and pages', async (t) => {
  const authority = new Authority(t);
  const ca = authority.cert;
  const tls = { ...authority.issue({ name: 'gateway' }), client_ca: ca, client_certificate: 'optional' };
  const allow = { connect: "${! auth.san.uri[0] = 'spiffe://plant/device-7' and auth.subject.O = 'Test' }" };
  const names = { seven: 'URI:spiffe://plant/device-7', eight: 'URI:spiffe://plant/device-8' };
  const seven = { ca, ...authority.issue({ name: 'device-7', names: names.seven }) };
  const eight = { ca, ...authority.issue({ name: 'device-8', names: names.eight }) };
  const stranger = { ca, ...new Authority(t, 'Other CA').issue({ name: 'device-7', names: names.seven }) };
  const { url } = await setUp(t, { certificate: {}, jwt: JWT }, { allow }, { tls });

  const device = await TestClient.open(url, seven);
  device.send('x');
  await device.until(() => device.frames.some((frame) => String(frame).includes('device-7')));
  assert.match(await refusal(url, eight), /^403 .*not_allowed/);
  assert.match(await refusal(url, { ca }), /^401 .*token_missing/);
  await assert.rejects(TestClient.open(url, stranger));
  assert.match(await refusal(url, { ...seven, headers: { authorization: 'Bearer a.b.c' } }), /^401 .*token_malformed/);
  assert.match(await refusal(url, { ...seven, ...bearer({ sub: 'device-7' }) }), /^403 /, 'a token has no san');

  const { host } = new URL(url);
  for (const origin of [`https://${host}`]) await TestClient.open(url, { ...seven, origin });
  for (const origin of ['https://evil.example', `http://${host}`, 'null', 'https://127.0.0.1'])
    assert.match(await refusal(url, { ...seven, origin }), /^403 .*origin/, origin);
  const [response] = await once(get(url.replace('wss', 'https'), { ...seven, agent: false }), 'response');
  let text = '';
  for await (const bytes of response) text += bytes;
  assert.match(`${response.statusCode} ${text}`, /^426 .*connect with wss:\/\//);
});

test('an identity has its limits with tokens of all kinds, and keeps them when they are renewed', async (t) => {
  const per_identity = { connections: 2, messages: '5/m' };
  const { url, metric } = await setUp(t, { jwt: JWT }, { limits: { per_identity, when_over: 'close', burst: '1m' } });
  const open = (sub: string, more = {}) => TestClient.open(url, bearer({ sub, ...more }));
  const first = await open('ada');
  const second = await open('ada', { jti: 'another token' });
  assert.match(await refusal(url, bearer({ sub: 'ada', jti: 'a third' })), /^429 .*identity_connections|per_identity/);
  const other = await open('ben');
  const renewed = async (client: TestClient, sub: string) => {
    const before = client.frames.length;
    client.ws.send(JSON.stringify({ messageType: 'TOKEN', content: sign({ sub, n: before }), id: 1 }));
    await client.until(() => client.frames.length > before || client.closed !== undefined);
  };
  await renewed(first, 'ada');
  assert.match(String(first.frames.at(-1)), /ACK/);
  assert.match(await refusal(url, bearer({ sub: 'ada' })), /^429/);
  for (let n = 0; n < 4; n++) (n % 2 ? first : second).send(`${n}`);
  await first.until(() => first.of('ACK').length >= 3);
  assert.equal(first.closed, undefined);
  second.send('one too many');
  await second.until(() => second.closed !== undefined);
  assert.deepEqual(second.closed, { code: 4429, reason: 'more than limits.per_identity.messages allows' });
  other.send('x');
  await other.until(() => other.of('ACK').length === 1);
  await renewed(other, 'ada');
  assert.equal(other.closed?.code, 4403);
  assert.equal(await metric('tidegate_clients_limited_total{endpoint="orders",reason="identity_messages"}'), 1);
});

test('a token is in nothing that the gateway says or passes on, wherever the client put it', async (t) => {
  const token = [{ query: 'ticket' }, 'header', 'protocol', { cookie: 'sid' }];
  const endpoint = { protocols: ['tidegate.v1'], origins: ['*'] };
  const { url, gateway, lines } = await setUp(t, { jwt: JWT, token }, endpoint);
  const events: unknown[] = [];
  gateway.on('ws-connection', (...facts) => events.push(facts));
  gateway.on('ws-close', (...facts) => events.push(facts));
  const stored: string[] = [];
  const good = sign({ sub: 'ada' });
  const bad = `${good.slice(0, -4)}AAAA`;
  const ways = (text: string): [string, string[], WebSocket.ClientOptions][] => [
    [`${url}?ticket=${text}&shop=7`, [], {}],
    [url, ['tidegate.v1', `bearer.${text}`], {}],
    [url, [], { headers: { authorization: `Bearer ${text}` } }],
    [url, [], { headers: { cookie: `a=1; sid=${text}; b=2` } }],
  ];
  for (const [to, protocols, options] of ways(good)) {
    const ws = new WebSocket(to, protocols, options);
    const said: string[] = [];
    ws.on('message', (data) => said.push(String(data)));
    await once(ws, 'open');
    ws.send(JSON.stringify({ messageType: 'USER', content: 'x', timestamp: new Date().toISOString() }));
    await until(
      () => said.some((text) => text.includes('client_id')),
      5_000,
      () => said.join(),
    );
    stored.push(...said);
    ws.close();
    await once(ws, 'close');
  }
  await until(
    () => events.length === 8,
    5_000,
    () => `${events.length} events`,
  );
  for (const [to, protocols, options] of ways(bad))
    assert.match(await refusal(to, options, protocols), /token_signature/);
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
  const said = {
    lines: JSON.stringify(lines),
    events: JSON.stringify(events),
    stored: JSON.stringify(stored),
    metrics,
  };
  for (const [where, text] of Object.entries(said))
    for (const part of [...good.split('.'), bad.split('.')[2] ?? '']) assert.ok(!text.includes(part), `in ${where}`);
  assert.match(said.events, /shop=7/);
});

test('limits of an address behind PROXY headers and TLS; a refused client gives its place back', async (t) => {
  const authority = new Authority(t);
  const ca = authority.cert;
  const tls = { ...authority.issue({ name: 'gateway' }), client_ca: ca };
  const limits = { per_address: { connections: 1 } };
  const allow = { connect: "${! auth.sub = 'device-7' }" };
  const listener = { tls, limits, proxy_protocol: 'v1' };
  const { url } = await setUp(t, { certificate: {} }, { allow }, listener);
  const through = (address: string, issued: object): WebSocket.ClientOptions => ({
    createConnection: () => {
      const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
      socket.write(`PROXY TCP4 ${address} 192.0.2.1 40000 443\r\n`);
      return secure({ socket, ca, servername: 'localhost', ...issued });
    },
  });
  const seven = authority.issue({ name: 'device-7' });
  const eight = authority.issue({ name: 'device-8' });
  assert.match(await refusal(url, through('198.51.100.7', eight)), /^403 .*not_allowed/);
  let first: TestClient | undefined;
  await until(
    async () => {
      first = await TestClient.open(url, through('198.51.100.7', seven)).catch(() => undefined);
      return first !== undefined;
    },
    5_000,
    () => 'the client that was refused still counts',
  );
  first?.send('x');
  await first?.until(() => first?.frames.some((frame) => String(frame).includes('198.51.100.7')) === true);
  assert.match(await refusal(url, through('198.51.100.7', seven)), /^429 .*per_address/);
  await TestClient.open(url, through('198.51.100.8', seven));
});

test('handshakes that wait for a key server count once, and are refused when it has answered', async (t) => {
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const jwks = await keyServer(t, (_request, response) => {
    void asked.then(() => response.end(JSON.stringify({ keys: [jwkOf(EC.publicKey, { kid: 'one' })] })));
  });
  const limits = { handshakes: '4/h', connections: 3 };
  const jwt = { jwks, algorithms: ['ES256'], audience: 'me' };
  const { url, metric } = await setUp(t, { jwt }, {}, { limits });
  const shows = (claims: object) => {
    const token = tokenOf({ alg: 'ES256', kid: 'one' }, { aud: 'me', ...claims }, EC.privateKey);
    return { headers: { authorization: `Bearer ${token}` } };
  };
  const good = TestClient.open(url, shows({ sub: 'ada' }));
  const bad = refusal(url, shows({ aud: 'you' }));
  await new Promise((resolve) => setTimeout(resolve, 200));
  answer();
  assert.equal((await good).closed, undefined);
  assert.match(await bad, /^401 .*token_audience/);
  await TestClient.open(url, shows({ sub: 'ben' }));
  await TestClient.open(url, shows({ sub: 'cy' }));
  assert.match(await refusal(url, shows({ sub: 'dan' })), /^(?:429|503) /);
  const at = (reason: string) => `tidegate_connections_refused_total{endpoint="orders",reason="${reason}"}`;
  assert.equal((await metric(at('handshake_rate'))) + (await metric(at('listener_full'))), 1);
  assert.equal(await metric(at('token_audience')), 1);
});

test('a server of the program asks who clients are as a listener does, with their certificates, too', async (t) => {
  const authority = new Authority(t);
  const ca = authority.cert;
  const server = createServer({
    ...authority.issue({ name: 'program' }),
    ca,
    requestCert: true,
    rejectUnauthorized: false,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = configOf({ certificate: {}, jwt: JWT }, {}, {});
  const gateway = await gatewayOf(t, config, { server });
  await ready(gateway);
  const url = `wss://127.0.0.1:${(server.address() as { port: number }).port}/orders`;
  assert.match(await refusal(url, { ca }), /^401 .*token_missing/);
  const stranger = new Authority(t, 'Other CA').issue({ name: 'device-7' });
  assert.match(await refusal(url, { ca, ...stranger }), /^401 .*token_missing/, 'one that is not verified is none');
  for (const options of [authority.issue({ name: 'device-7' }), bearer({ sub: 'ada' })])
    assert.equal((await TestClient.open(url, { ca, ...options })).closed, undefined);
  assert.match(await refusal(url, { ca, ...bearer({}), origin: 'https://evil.example' }), /^403 .*origin/);
});

test('a real request is read as a whole: tokens that come twice, and names in other letters', async (t) => {
  const chat = {
    ...{ codec: 'chat', path: '/orders/{username}', presence: { topic: 'orders' } },
    allow: { connect: '${! meta.username != "admin" }' },
  };
  const { url } = await setUp(t, { jwt: JWT, token: ['header', { query: 'ticket' }] }, chat);
  const token = sign({ sub: 'ada' });
  assert.equal((await TestClient.open(`${url}/ada?ticket=${token}`)).closed, undefined);
  for (const name of ['admin', '%20admin', '%EF%BD%81dmin'])
    assert.match(await refusal(`${url}/${name}?ticket=${token}`), /^403 .*not_allowed/, name);
  assert.match(await refusal(`${url}/eve?ticket=x&ticket=${token}`), /^401 .*several_credentials/);
  const headers = { authorization: [`Bearer ${token}`, 'Bearer x'] as unknown as string };
  assert.match(await refusal(`${url}/eve`, { headers }), /^401 .*several_credentials/);
  const nameless = `GET /orders/bob?ticket=${token} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const { received } = await converse(Number(new URL(url).port), [Buffer.from(nameless)]);
  assert.match(received.toString(), /^HTTP\/1\.1 400 [\s\S]*the handshake has no Host/);
});

test('a thousand tokens with invented keys, which wait for the key server, keep no other client out', async (t) => {
  let asked = 0;
  const jwks = await keyServer(t, (_request, response) => {
    asked += 1;
    if (asked === 1) response.end(JSON.stringify({ keys: [jwkOf(EC.publicKey, { kid: 'one' })] }));
  });
  const { url, metric } = await setUp(t, { jwt: { jwks, algorithms: ['ES256'], audience: 'me' } }, {});
  const shows = (kid: string) => {
    const token = tokenOf({ alg: 'ES256', kid }, { aud: 'me', sub: kid }, EC.privateKey);
    return { headers: { authorization: `Bearer ${token}` } };
  };
  await TestClient.open(url, shows('one'));
  const invented = Array.from({ length: 1_100 }, (_, n) => new WebSocket(url, shows(`invented ${n}`)));
  for (const ws of invented) ws.on('error', () => {});
  const refused = () => metric('tidegate_connections_refused_total{endpoint="orders",reason="keys_unavailable"}');
  await until(
    async () => (await refused()) === 100,
    60_000,
    () => 'a thousand wait, and the others do not learn that',
  );
  assert.equal((await TestClient.open(url, shows('one'))).closed, undefined);
  for (const ws of invented) ws.terminate();
});
