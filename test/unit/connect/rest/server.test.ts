import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { Guard } from '../../../../src/admin/guard.ts';
import { BelongsElsewhere } from '../../../../src/connect/cluster/refusal.ts';
import { answer, objectOf } from '../../../../src/connect/rest/call.ts';
import { FORWARDED, forward } from '../../../../src/connect/rest/forwarding.ts';
import type { Route } from '../../../../src/connect/rest/routes.ts';
import { ConnectServer } from '../../../../src/connect/rest/server.ts';
import { createLogger, type Logger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { ConnectApi } from '../../../helpers/connect-gateway.ts';
import { until } from '../../../helpers/gateway-process.ts';
import { pipeline, warningsOf } from '../../../helpers/pipelining.ts';
import { keptLogger } from '../../actors/rig.ts';
import { ask, callersOf } from '../../admin/rig.ts';
import { authOf } from '../../auth/rig.ts';

const calls = new EventEmitter();
let restarts = 0;
/** The gateway that has what is elsewhere. */
let owner = 'http://127.0.0.1:1';
const PUT = { method: 'PUT', body: '{}' };

const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/thing/restart',
    handle: () => {
      restarts += 1;
      return answer(204);
    },
  },
  {
    method: 'GET',
    path: '/never',
    handle: () => {
      calls.emit('never');
      return new Promise(() => {});
    },
  },
  { method: 'GET', path: '/thing', handle: () => answer(200, { a: 1 }) },
  { method: 'PUT', path: '/thing', handle: (call) => answer(200, objectOf(call)) },
  { method: 'DELETE', path: '/thing', handle: () => answer(204) },
  {
    method: 'GET',
    path: '/elsewhere',
    handle: () => {
      throw new BelongsElsewhere({ id: 'other', url: owner });
    },
  },
  {
    method: 'GET',
    path: '/broken',
    handle: () => {
      throw new TypeError('geheim');
    },
  },
];

async function start(
  t: TestContext,
  key?: string,
  guard = new Guard('connect', undefined, 'everyone'),
  logger: Logger = createLogger({ level: 'silent' }),
) {
  const answered: number[] = [];
  const stats = createStats();
  const server = new ConnectServer({
    ...{ port: 0, host: '127.0.0.1', routes: ROUTES },
    sessionKey: () => key,
    isThere: () => true,
    callers: callersOf({ section: 'connect' }),
    guard,
    answered: (status) => void answered.push(status),
    now: () => 0,
    stats,
    logger,
  });
  const port = await server.start();
  t.after(() => server.stop());
  return { api: new ConnectApi(`http://127.0.0.1:${port}`), port, answered, server, stats };
}

test('each answer is JSON with its status, and is counted', async (t) => {
  const { api, answered } = await start(t);
  assert.deepEqual((await api.call('GET', '/thing')).body, { a: 1 });
  const none = await api.call('DELETE', '/thing');
  assert.deepEqual([none.status, none.body], [204, undefined]);
  const unknown = await api.call('GET', '/nosuch');
  assert.deepEqual([unknown.status, unknown.body], [404, { error_code: 404, message: 'HTTP 404 Not Found' }]);
  const wrong = await api.call('POST', '/thing');
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'HEAD, GET, PUT, DELETE, OPTIONS']);
  assert.equal((await api.call('OPTIONS', '/thing')).status, 200);
  assert.deepEqual(answered, [200, 204, 404, 405, 200]);
});

test('a body is JSON that says so, and no larger than a megabyte', async (t) => {
  const { api } = await start(t);
  const put = (body: string, type = 'application/json') => api.call('PUT', '/thing', body, { 'content-type': type });
  assert.deepEqual((await put('{"b":"é"}', 'application/json; charset=utf-8')).body, { b: 'é' });
  for (const [body, status] of [
    ['x', 400],
    ['[]', 400],
    ['null', 400],
    ['', 400],
    [`{"a":"${'x'.repeat(1_048_576)}"}`, 413],
  ] as const)
    assert.equal((await put(body)).status, status, body.slice(0, 10));
  assert.equal((await put('{}', 'text/plain')).status, 415);
  assert.equal((await api.call('GET', '/thing', undefined, { accept: 'text/html' })).status, 406);
});

test('a handler that throws gives 500 without the reason, and a false claim to be a gateway 403', async (t) => {
  const { api } = await start(t);
  const broken = await api.call('GET', '/broken');
  assert.equal(broken.status, 500);
  assert.doesNotMatch(JSON.stringify(broken.body), /geheim/);
  assert.equal((await api.call('GET', '/thing', undefined, { [FORWARDED]: '0:00' })).status, 403);
});

test('a client that disconnects in the middle of a body affects no other call', async (t) => {
  const { api, port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'PUT /thing HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":',
  );
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal((await api.call('GET', '/thing')).status, 200);
});

test('a web page can neither read nor change anything: by a name of its own, or by a POST without a body', async (t) => {
  const { api, port } = await start(t);
  const url = `http://127.0.0.1:${port}`;
  const rebound = await ask(`${url}/thing`, { host: 'evil.example', 'content-type': 'application/json' }, PUT);
  assert.equal(rebound.status, 403);
  assert.deepEqual(JSON.parse(rebound.body), {
    error_code: 403,
    message: 'the Host "evil.example" is not a name of this port; add it to connect.allowed_hosts if it is',
  });
  const before = restarts;
  const page = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  assert.equal((await ask(`${url}/thing/restart`, page, { method: 'POST' })).status, 403);
  const withoutOrigin = { 'sec-fetch-site': 'same-site' };
  assert.equal((await ask(`${url}/thing/restart`, withoutOrigin, { method: 'POST' })).status, 403);
  assert.equal(restarts, before);
  assert.equal((await api.call('POST', '/thing/restart')).status, 204);
  assert.equal(restarts, before + 1);
});

test('a call without an answer does not delay a stop, and is not cut for later connections', async (t) => {
  const { api, port, server } = await start(t);
  const isCalled = once(calls, 'never');
  const never = fetch(`http://127.0.0.1:${port}/never`).then(
    () => 'answered',
    () => 'cut',
  );
  await isCalled;
  const idle = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => idle.forEach((one) => void one.destroy()));
  await Promise.all(idle.map((one) => once(one, 'connect')));
  assert.equal((await api.call('GET', '/thing')).status, 200);
  assert.equal(await Promise.race([never, Promise.resolve('waits')]), 'waits');
  // By itself it would end after 120 s without a byte.
  const stopped = await Promise.race([server.stop().then(() => 'stopped'), pass(10_000, 'waits', { ref: false })]);
  assert.equal(stopped, 'stopped');
  assert.equal(await never, 'cut');
});

test('a call for another gateway is forwarded once: a forwarded call is not forwarded again', async (t) => {
  let arrived = 0;
  const other = createServer((_request, response) => {
    arrived += 1;
    response.end('{}');
  }).listen(0, '127.0.0.1');
  t.after(() => void other.close());
  await once(other, 'listening');
  owner = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const key = Buffer.alloc(32, 7).toString('base64');
  const { api, port } = await start(t, key);
  assert.equal((await api.call('GET', '/elsewhere')).status, 200);
  assert.equal(arrived, 1);
  const sent = { method: 'GET', target: '/elsewhere', body: Buffer.alloc(0) };
  const options = { credentials: {}, key, now: 0, isThere: () => true, failed: () => {} };
  assert.equal((await forward(`http://127.0.0.1:${port}`, sent, options)).status, 409);
  assert.equal(arrived, 1);
});

test('a client that sends calls and reads no answers gets one answer, and is disconnected', async (t) => {
  const { port, answered } = await start(t);
  const warnings = warningsOf(t);
  await pipeline(t, port, '/thing');
  await pass(10);
  assert.deepEqual([answered.length <= 1, warnings], [true, []]);
});

test('connections with an incomplete request count as idle: the oldest are closed', async (t) => {
  const { api, port } = await start(t);
  const half = Array.from({ length: 40 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => half.forEach((one) => void one.destroy()));
  await Promise.all(half.map((one) => once(one, 'connect')));
  for (const one of half) one.write('POST /thing HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{}');
  // 16 may be open.
  await until(
    () => half.filter(({ closed }) => closed).length >= 24,
    10_000,
    () => 'too many are open',
  );
  assert.equal((await api.call('GET', '/thing')).status, 200);
});

test('callers say who they are, and a call that is forwarded says so to the other gateway as well', async (t) => {
  const token = 'a-token-of-some-length-0123456789';
  const key = Buffer.alloc(32, 7).toString('base64');
  const basic = { ada: 'geheim' };
  const entry = { bearer: { tokens: { ada: token } }, basic, token: ['header', { query: 't' }, { cookie: 'c' }] };
  const { authenticator, kept } = await authOf(t, entry);
  const there = await start(t, key, new Guard('connect', authenticator, 'everyone'));
  const { api, answered } = await start(t, key, new Guard('connect', authenticator, 'everyone'));
  const refused = await api.call('DELETE', '/thing');
  assert.deepEqual([refused.status, refused.body.error_code], [401, 401]);
  const challenge = 'Bearer realm="tidegate", Basic realm="tidegate", charset="UTF-8"';
  assert.equal(refused.headers.get('www-authenticate'), challenge);
  assert.equal((await api.call('DELETE', '/thing', undefined, { authorization: `Bearer ${token}` })).status, 204);
  // Without credentials a signature of the cluster alone does not do.
  owner = there.api.url;
  const sent = { method: 'GET', target: '/thing', body: Buffer.alloc(0) };
  const options = { credentials: {}, key, now: 0, isThere: () => true, failed: () => {} };
  assert.equal((await forward(there.api.url, sent, options)).status, 401);
  there.answered.length = 0;
  const ways: [string, Record<string, string>][] = [
    ['/elsewhere', { authorization: `Bearer ${token}` }],
    ['/elsewhere', { authorization: `Basic ${btoa('ada:geheim')}` }],
    ['/elsewhere', { cookie: `c=${token}` }],
    [`/elsewhere?t=${token}`, {}],
  ];
  // The other gateway knows the caller, and that this call was forwarded once already.
  for (const [path, headers] of ways) assert.equal((await api.call('GET', path, undefined, headers)).status, 409, path);
  assert.deepEqual(there.answered, [409, 409, 409, 409]);
  assert.deepEqual(answered, [401, 204, 409, 409, 409, 409]);
  assert.deepEqual(kept.lines, []);
});

test('a call that fails is logged without its query, which may hold a token', async (t) => {
  const kept = keptLogger();
  const { api } = await start(t, undefined, undefined, kept.logger);
  assert.equal((await api.call('GET', '/broken?access_token=verborgen')).status, 500);
  assert.equal(kept.errors().length, 1);
  assert.ok(!JSON.stringify(kept.lines).includes('verborgen'));
  assert.match(JSON.stringify(kept.lines[0]?.facts), /"path":"\/broken"/);
});
