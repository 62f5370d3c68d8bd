import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { ConnectRefusal } from '../../../../src/connect/cluster/refusal.ts';
import { FORWARDED, type Forwardable, forward, isForwarded } from '../../../../src/connect/rest/forwarding.ts';
import { Authority } from '../../../helpers/certificates.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
const CALL: Forwardable = { method: 'PUT', target: '/connectors/a/config?x=1', body: Buffer.from('{"a":"1"}') };
const NOW = 1_000_000;

/** The header that the other gateway gets. */
async function headerOf(t: TestContext, call = CALL): Promise<string> {
  let header = '';
  const server = createServer((request, response) => {
    header = String(request.headers[FORWARDED]);
    request.resume().on('end', () => response.writeHead(201, { location: 'http://x/connectors/a' }).end('{"b":2}'));
  }).listen(0, '127.0.0.1');
  t.after(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, body, headers } = await forward(url, call, {
    ...{ credentials: {}, key: KEY, now: NOW, isThere: () => true },
    failed: () => {},
  });
  assert.deepEqual([status, body.toString(), headers], [201, '{"b":2}', { location: 'http://x/connectors/a' }]);
  return header;
}

const isForbidden = (error: unknown) => error instanceof ConnectRefusal && error.status === 403;

test('a forwarded call has a signature that the other gateway accepts', async (t) => {
  const header = await headerOf(t);
  assert.equal(isForwarded(header, CALL, KEY, NOW + 59_000), true);
  assert.equal(isForwarded(undefined, CALL, KEY, NOW), false);
});

test('a signature of another call, by another key, or too old is refused', async (t) => {
  const header = await headerOf(t);
  const others: Partial<Forwardable>[] = [
    { method: 'DELETE' },
    { target: '/connectors/b/config?x=1' },
    { body: Buffer.from('{"a":"2"}') },
  ];
  for (const other of others) assert.throws(() => isForwarded(header, { ...CALL, ...other }, KEY, NOW), isForbidden);
  assert.throws(() => isForwarded(header, CALL, Buffer.alloc(32, 8).toString('base64'), NOW), isForbidden);
  assert.throws(() => isForwarded(header, CALL, undefined, NOW), isForbidden);
  for (const moved of [61_000, -61_000]) assert.throws(() => isForwarded(header, CALL, KEY, NOW + moved), isForbidden);
  for (const nonsense of ['', ':', `${NOW}`, `${NOW}:ab`, 'x:y'])
    assert.throws(() => isForwarded(nonsense, CALL, KEY, NOW), isForbidden);
});

test('no connection to the other gateway is 409, a broken answer 500 while it is in the group', async (t) => {
  const breaking = createServer((request) => request.socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => void breaking.close());
  await once(breaking, 'listening');
  const { port } = breaking.address() as AddressInfo;
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port: closedPort } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const statusOf = (at: number, isThere: boolean) =>
    forward(`http://127.0.0.1:${at}`, CALL, {
      credentials: {},
      key: KEY,
      now: NOW,
      isThere: () => isThere,
      failed: () => {},
    }).then(
      () => 200,
      (error: unknown) => (error instanceof ConnectRefusal ? error.status : 0),
    );
  assert.deepEqual(
    await Promise.all([statusOf(closedPort, true), statusOf(port, true), statusOf(port, false)]),
    [409, 500, 409],
  );
});

test('a redirect is not followed: the signature is for that gateway only', async (t) => {
  const asked: string[] = [];
  const listen = async (status: number, location: string) => {
    const server = createServer((request, response) => {
      asked.push(String(request.headers.host));
      request.resume().on('end', () => response.writeHead(status, { location }).end());
    }).listen(0, '127.0.0.1');
    t.after(() => void server.close());
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const elsewhere = await listen(200, '/');
  for (const status of [301, 302, 303, 307, 308]) {
    const gateway = await listen(status, `http://${elsewhere}/stolen`);
    const options = { credentials: {}, key: KEY, now: NOW, isThere: () => true, failed: () => {} };
    await assert.rejects(
      forward(`http://${gateway}`, CALL, options),
      (error: unknown) => error instanceof ConnectRefusal && error.status === 500,
      String(status),
    );
    assert.deepEqual(asked.splice(0), [gateway]);
  }
});

test('a call over TLS shows the certificate of this gateway, and verifies that of the other', async (t) => {
  const authority = new Authority(t);
  const [server, own] = [authority.issue({ name: 'other' }), authority.issue({ name: 'this' })];
  const other = createSecureServer({ ...server, ca: authority.cert, requestCert: true }, ({ socket }, response) => {
    response.end((socket as TLSSocket).getPeerCertificate().subject.CN);
  }).listen(0, '127.0.0.1');
  t.after(() => void other.close());
  await once(other, 'listening');
  const url = `https://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const reasons: string[] = [];
  const failed = (why: string) => void reasons.push(why);
  const options = { credentials: {}, key: KEY, now: NOW, isThere: () => true, failed };
  const { body } = await forward(url, CALL, { ...options, tls: { ...own, ca: authority.cert } });
  assert.equal(body.toString(), 'this');
  await assert.rejects(forward(url, CALL, { ...options, tls: own }), { status: 500 });
  assert.match(reasons.join(), /^(unable to verify|self-signed certificate)/);
});
