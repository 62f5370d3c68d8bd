import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { until } from '../../helpers/gateway-process.ts';
import { keptLogger } from '../actors/rig.ts';
import { keyServer, SECRET, tokenOf } from '../auth/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const TOKEN = 'a-token-of-some-length-0123456789';

test('the ports of operators ask who they are, and health, readiness and metrics answer anyone', async (t) => {
  const { logger, lines } = keptLogger();
  const auth = {
    operators: { bearer: { tokens: { ada: TOKEN } }, basic: { ben: 'geheim' } },
    services: { jwt: { secret: SECRET, algorithms: ['HS256'] }, token: [{ query: 'access_token' }] },
  };
  const sections = { admin: { enabled: true, port: 0, auth: 'operators' }, connect: { port: 0, auth: 'services' } };
  const gateway = await gatewayOf(t, { ...MEMORY, auth, ...sections }, { logger });
  await ready(gateway);
  const { admin, connect } = gateway.ports();
  const status = async (port: number, path: string, headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;
  for (const path of ['/health', '/ready', '/metrics']) assert.equal(await status(admin, path), 200, path);
  assert.equal(await status(admin, '/other'), 401);
  assert.equal(await status(admin, '/other', { authorization: `Bearer ${TOKEN}` }), 404);
  assert.equal(await status(admin, '/other', { authorization: `Basic ${btoa('ben:geheim')}` }), 404);
  assert.equal(await status(admin, '/other', { authorization: `Basic ${btoa('ben:falsch')}` }), 401);
  const token = tokenOf({ alg: 'HS256' }, { sub: 'geheimnisvoll' }, SECRET);
  for (const path of ['/', '/health', '/connectors', '/connector-plugins', '/nosuch'])
    assert.equal(await status(connect, path), 401, path);
  assert.equal(await status(connect, `/?access_token=${token}`), 200);
  assert.equal(await status(connect, `/nosuch?access_token=${token}`), 404);
  assert.equal(await status(connect, '/', { authorization: `Bearer ${token}` }), 401, 'not the place for it');
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  assert.match(metrics, /^tidegate_auth_total\{auth="operators",result="accepted"\} 2$/m);
  assert.match(metrics, /^tidegate_auth_total\{auth="operators",result="password_wrong"\} 1$/m);
  assert.match(metrics, /^tidegate_auth_total\{auth="services",result="token_expired"\} 0$/m);
  const said = `${metrics}${JSON.stringify(lines)}`;
  for (const secret of [TOKEN, 'geheim', SECRET, token, token.split('.')[2] ?? ''])
    assert.ok(!said.includes(secret), secret);
});

test('without auth the admin port shows nothing but health, readiness and metrics to other machines', async (t) => {
  const outside = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (outside === undefined) return t.skip('this machine has no address but loopback');
  const gateway = await gatewayOf(t, { ...MEMORY, admin: { enabled: true, port: 0 } });
  await gateway.start();
  const { admin } = gateway.ports();
  const status = async (host: string, path: string) => (await fetch(`http://${host}:${admin}${path}`)).status;
  assert.deepEqual([await status(outside, '/health'), await status(outside, '/metrics')], [200, 200]);
  assert.deepEqual([await status(outside, '/x'), await status('127.0.0.1', '/x')], [403, 404]);
});

test('a gateway asks its key server when it starts, and no more once it has stopped', async (t) => {
  let requests = 0;
  const url = await keyServer(t, (_request, response) => {
    requests += 1;
    response.writeHead(503).end();
  });
  const auth = { users: { jwt: { jwks: url, algorithms: ['ES256'], refetch: '1s' } } };
  const { logger, warnings } = keptLogger();
  const gateway = await gatewayOf(t, { ...MEMORY, auth }, { logger });
  await gateway.start();
  const hasWarned = () => warnings().some((line) => line.includes('key server'));
  await until(hasWarned, 10_000, () => 'it did not ask');
  await gateway.stop();
  const before = requests;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(requests, before);
  assert.equal(warnings().filter((line) => line.includes('key server')).length, 1);
});
