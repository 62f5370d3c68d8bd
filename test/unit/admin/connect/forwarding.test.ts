import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectRefusal } from '../../../../src/actors/connectors/refusal.ts';
import { FORWARDED, type Forwardable, forward, isForwarded } from '../../../../src/admin/connect/forwarding.ts';

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
    ...{ key: KEY, now: NOW, isThere: () => true },
    failed: () => {},
  });
  assert.deepEqual([status, body.toString(), headers], [201, '{"b":2}', { location: 'http://x/connectors/a' }]);
  return header;
}

const isForbidden = (error: unknown) => error instanceof ConnectRefusal && error.status === 403;

test('a call that is sent on carries a signature that the other gateway takes', async (t) => {
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

test('a gateway that cannot be connected to is 409, one that breaks off its answer 500 while it is one of us', async (t) => {
  const breaking = createServer((request) => request.socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => void breaking.close());
  await once(breaking, 'listening');
  const { port } = breaking.address() as AddressInfo;
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port: nobody } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const statusOf = (at: number, isThere: boolean) =>
    forward(`http://127.0.0.1:${at}`, CALL, { key: KEY, now: NOW, isThere: () => isThere, failed: () => {} }).then(
      () => 200,
      (error: unknown) => (error instanceof ConnectRefusal ? error.status : 0),
    );
  assert.deepEqual(
    await Promise.all([statusOf(nobody, true), statusOf(port, true), statusOf(port, false)]),
    [409, 500, 409],
  );
});
