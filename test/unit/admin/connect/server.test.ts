import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answer, objectOf } from '../../../../src/admin/connect/call.ts';
import { FORWARDED } from '../../../../src/admin/connect/forwarding.ts';
import type { Route } from '../../../../src/admin/connect/routes.ts';
import { ConnectServer } from '../../../../src/admin/connect/server.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { ConnectApi } from '../../../helpers/connect-gateway.ts';

const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/thing', handle: () => answer(200, { a: 1 }) },
  { method: 'PUT', path: '/thing', handle: (call) => answer(200, objectOf(call)) },
  { method: 'DELETE', path: '/thing', handle: () => answer(204) },
  {
    method: 'GET',
    path: '/broken',
    handle: () => {
      throw new TypeError('geheim');
    },
  },
];

async function start(t: TestContext) {
  const answered: number[] = [];
  const server = new ConnectServer({
    ...{ port: 0, host: '127.0.0.1', routes: ROUTES },
    sessionKey: () => undefined,
    isThere: () => true,
    answered: (status) => void answered.push(status),
    now: () => 0,
    logger: createLogger({ level: 'silent' }),
  });
  const port = await server.start();
  t.after(() => server.stop());
  return { api: new ConnectApi(`http://127.0.0.1:${port}`), port, answered };
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

test('a handler that throws answers 500 without telling why, and a caller who only says that he is a gateway 403', async (t) => {
  const { api } = await start(t);
  const broken = await api.call('GET', '/broken');
  assert.equal(broken.status, 500);
  assert.doesNotMatch(JSON.stringify(broken.body), /geheim/);
  assert.equal((await api.call('GET', '/thing', undefined, { [FORWARDED]: '0:00' })).status, 403);
});

test('a client that leaves in the middle of its body costs nothing but its own call', async (t) => {
  const { api, port } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('PUT /thing HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal((await api.call('GET', '/thing')).status, 200);
});
