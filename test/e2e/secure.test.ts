import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { makeHash } from '../../src/auth/scrypt-hash.ts';
import { Authority, CertificateFolder, type Issued } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { freePort, type GatewayProcess, secureAnswer, startGateway, until } from '../helpers/gateway-process.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { jwkOf, tokenOf } from '../unit/auth/rig.ts';

const USERS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const DEVICE_SECRET = randomBytes(24).toString('hex');
const OPERATOR_TOKEN = randomBytes(24).toString('hex');
const PASSWORD = randomBytes(12).toString('hex');
const ISSUER = 'https://id.test/';

interface Deployment {
  readonly gateway: GatewayProcess;
  readonly ca: string;
  readonly device: Issued;
  readonly users: string;
  readonly devices: string;
  readonly connect: string;
}

/** config/examples/secure.yaml as it is, with certificates and keys of this test. */
async function deployed(t: TestContext): Promise<Deployment> {
  const authority = new Authority(t);
  const server = authority.issue({ name: 'localhost' });
  const files = new CertificateFolder(t);
  files.write(server);
  writeFileSync(files.path('ca.crt'), authority.cert);
  writeFileSync(files.path('tokens'), `deploy: ${OPERATOR_TOKEN}\n`);
  const deviceKey = { kty: 'oct', k: Buffer.from(DEVICE_SECRET).toString('base64url'), kid: 'd1', alg: 'HS256' };
  writeFileSync(files.path('device-keys.json'), JSON.stringify({ keys: [deviceKey] }));
  const [devicesPort, connectPort] = [await freePort(), await freePort()];
  const gateway = await startGateway(t, {
    config: 'config/examples/secure.yaml',
    adminCa: authority.cert,
    env: {
      TLS_DIR: files.folder,
      NODE_EXTRA_CA_CERTS: files.path('ca.crt'),
      JWKS_URL: await keyServer(t, server),
      ISSUER,
      DEVICE_KEYS: files.path('device-keys.json'),
      OPERATOR_TOKENS: files.path('tokens'),
      ADA_PASSWORD_HASH: await makeHash(PASSWORD),
      CONNECT_SECRET_KEY: randomBytes(32).toString('base64'),
      TRUSTED_PROXIES: '127.0.0.1',
      DEVICES_PORT: String(devicesPort),
      CONNECT_PORT: String(connectPort),
    },
  });
  await gateway.ready();
  return {
    gateway,
    ca: authority.cert,
    device: authority.issue({ name: 'device-7' }),
    users: `wss://localhost:${gateway.port}/orders`,
    devices: `wss://localhost:${devicesPort}/readings`,
    connect: `https://127.0.0.1:${connectPort}`,
  };
}

/** URL of a key server that publishes the key of the users. */
async function keyServer(t: TestContext, { cert, key }: Issued): Promise<string> {
  const server = createServer({ cert, key }, (_request, response) => {
    response.end(JSON.stringify({ keys: [jwkOf(USERS.publicKey, { kid: 'u1', alg: 'ES256', use: 'sig' })] }));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return `https://localhost:${(server.address() as AddressInfo).port}/keys`;
}

function userToken(claims: object = {}, key: KeyObject = USERS.privateKey): string {
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const usual = { iss: ISSUER, aud: 'tidegate', sub: 'ada', roles: ['trader'], tenant: 'acme', exp };
  return tokenOf({ alg: 'ES256', kid: 'u1' }, { ...usual, ...claims }, key);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const refusedWith = (status: number) => ({ message: `Unexpected server response: ${status}` });

test('secure.yaml: a client with a token gets in and writes for its tenant, and others do not', async (t) => {
  const { gateway, ca, users } = await deployed(t);
  // Behind the proxy of this test each client has an address of its own.
  let clients = 0;
  const open = (headers: Record<string, string> = {}, url = users) => {
    clients += 1;
    return TopicsClient.openUrl(url, { ca, headers: { 'x-forwarded-for': `192.0.2.${clients}`, ...headers } });
  };
  const ada = await open(bearer(userToken()));
  assert.equal((await ada.publish('orders.acme.eu', 'ten apples')).s, 0);
  assert.equal((await ada.publish('prices.eur', '1.00')).code, 'TG_NOT_ALLOWED');
  const eve = await open(bearer(userToken({ sub: 'eve', tenant: 'other' })));
  assert.equal((await eve.publish('orders.acme.eu', 'all apples')).code, 'TG_NOT_ALLOWED');
  const inUrl = await open({}, `${users}?access_token=${userToken()}`);
  const page = new WebSocket(users, ['tidegate.v1', `bearer.${userToken()}`], { ca });
  await once(page, 'open');
  assert.equal(page.protocol, 'tidegate.v1');
  for (const ws of [ada.client.ws, eve.client.ws, inUrl.client.ws, page]) ws.terminate();

  await assert.rejects(open(), refusedWith(401));
  await assert.rejects(open(bearer(userToken({}, OTHER.privateKey))), refusedWith(401));
  await assert.rejects(open(bearer(userToken({ aud: 'billing' }))), refusedWith(401));
  await assert.rejects(open(bearer(userToken({ roles: ['reader'] }))), refusedWith(403));
  await assert.rejects(open({ ...bearer(userToken()), origin: 'https://evil.example' }), refusedWith(403));
  await assert.rejects(open(bearer(userToken()), users.replace('wss:', 'ws:')));
  const crowd: TopicsClient[] = [];
  for (let index = 0; index < 10; index++) crowd.push(await open(bearer(userToken({ sub: 'many' }))));
  await assert.rejects(open(bearer(userToken({ sub: 'many' }))), refusedWith(429));
  for (const { client } of crowd) client.ws.terminate();
  assert.ok(!gateway.output().includes(userToken().slice(0, 40)), 'a token is in the output');
});

test('secure.yaml: a device needs a certificate and a token; ports of operators ask for credentials', async (t) => {
  const { gateway, ca, device, devices, connect } = await deployed(t);
  const token = tokenOf({ alg: 'HS256', kid: 'd1' }, { sub: 'device-7' }, DEVICE_SECRET);
  await assert.rejects(TestClient.open(devices, { ca, headers: bearer(token) }));
  await assert.rejects(TestClient.open(devices, { ca, ...device }), refusedWith(401));
  const sensor = await TestClient.open(devices, { ca, ...device, headers: bearer(token) });
  sensor.ws.send('{"temperature":21}');
  const stored = 'tidegate_answers_total{endpoint="readings",result="ack"} 1';
  await until(async () => (await gateway.get('/metrics')).body.includes(stored), 10_000, gateway.output);
  sensor.ws.terminate();

  const admin = `https://127.0.0.1:${gateway.adminPort}`;
  const status = async (url: string, headers: Record<string, string> = {}) =>
    (await secureAnswer(url, { ca, headers })).status;
  const password = (text: string) => ({ authorization: `Basic ${btoa(`ada:${text}`)}` });
  const known = [bearer(OPERATOR_TOKEN), password(PASSWORD)];
  for (const [url, allowed] of [
    [`${admin}/other`, 404],
    [`${connect}/connectors`, 200],
  ] as const) {
    assert.equal(await status(url), 401, url);
    assert.equal(await status(url, password('wrong')), 401, url);
    for (const headers of known) assert.equal(await status(url, headers), allowed, url);
    assert.equal(await status(url, { ...password(PASSWORD), origin: 'https://evil.example' }), 403, url);
  }
  assert.equal((await gateway.get('/metrics')).status, 200);
  for (const secret of [OPERATOR_TOKEN, PASSWORD, token])
    assert.ok(!gateway.output().includes(secret), 'a secret is in the output');
});
