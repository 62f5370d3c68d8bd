import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import type { AccessPort, AccessRefusal, Granted } from '../../../../src/core/access.ts';
import type { Credentials } from '../../../../src/core/identity.ts';
import { NO_PERMISSIONS } from '../../../../src/core/permissions.ts';
import { AccessChecks, answerOf } from '../../../../src/transports/websocket/access-checks.ts';
import type { HandshakeRequest } from '../../../../src/transports/websocket/handshake.ts';

const REQUEST = { path: '/a', url: '/a?token=t', query: { token: 't' }, params: { shop: 's' }, headers: {}, at: 0 };
const ACCESS: Granted = { access: { identity: undefined, permissions: NO_PERMISSIONS, name: undefined } };

/** Checks that end when the test says so. */
function setUp(admit?: AccessPort['admit']) {
  const asked: { credentials: Credentials; params: object; decide: (granted: Granted) => void }[] = [];
  const port: AccessPort = {
    renews: true,
    grace: 30,
    isTokenProtocol: () => false,
    admit: admit ?? ((credentials, params) => new Promise((decide) => asked.push({ credentials, params, decide }))),
    renew: async () => ACCESS,
  };
  const checks = new AccessChecks(port);
  const run = (socket = new PassThrough(), more: Partial<HandshakeRequest> = {}) => {
    const verdicts: (string | undefined)[] = [];
    checks.run({ ...REQUEST, ...more }, socket, (granted) =>
      verdicts.push('refusal' in granted ? `${granted.refusal.status} ${granted.refusal.reason}` : 'in'),
    );
    return { socket, verdicts };
  };
  return { asked, run };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** How many listen to what may happen to a socket while it waits. */
const listeners = (socket: PassThrough) => ['error', 'end', 'close'].map((event) => socket.listenerCount(event));

test('a handshake waits for its check, which is given what the client shows, and listens to nothing then', async () => {
  const { asked, run } = setUp();
  const before = listeners(new PassThrough());
  const { socket, verdicts } = run();
  assert.deepEqual(verdicts, []);
  assert.deepEqual(asked[0]?.credentials, { headers: {}, query: { token: 't' } });
  assert.deepEqual(asked[0]?.params, { shop: 's' });
  asked[0]?.decide(ACCESS);
  await turn();
  assert.deepEqual([verdicts, listeners(socket)], [['in'], before]);
});

test('a client that goes away during its check leaves nothing behind, and its verdict is not heard', async () => {
  for (const goes of [
    (socket: PassThrough) => socket.destroy(),
    (socket: PassThrough) => socket.destroy(new Error('reset')),
    (socket: PassThrough) => socket.resume().end(),
  ]) {
    const { asked, run } = setUp();
    const before = listeners(new PassThrough());
    const { socket, verdicts } = run();
    goes(socket);
    await turn();
    await turn();
    assert.ok(socket.destroyed);
    assert.deepEqual(listeners(socket), before);
    asked[0]?.decide(ACCESS);
    await turn();
    assert.deepEqual(verdicts, []);
  }
});

test('1,024 handshakes wait at a time; one more has to come back, until one of them has gone', () => {
  const { asked, run } = setUp();
  const held = Array.from({ length: 1_024 }, () => run());
  assert.deepEqual(run().verdicts, ['503 checks_full']);
  assert.equal(asked.length, 1_024);
  held[0]?.socket.emit('close');
  assert.deepEqual(run().verdicts, []);
  assert.deepEqual(run().verdicts, ['503 checks_full']);
  for (const { socket } of held) socket.emit('close');
});

test('a check that takes ten seconds is over, and what it finds out later changes nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { asked, run } = setUp();
  const { verdicts } = run();
  t.mock.timers.tick(9_999);
  assert.deepEqual(verdicts, []);
  t.mock.timers.tick(1);
  assert.deepEqual(verdicts, ['503 check_timeout']);
  asked[0]?.decide(ACCESS);
  await turn();
  assert.deepEqual(verdicts, ['503 check_timeout']);
});

test('a check that throws lets no client in', async () => {
  const { run } = setUp(() => Promise.reject(new Error('a bug')));
  const { verdicts } = run();
  await turn();
  assert.deepEqual(verdicts, ['503 check_failed']);
});

test('the certificate of the connection is shown, where there is one', () => {
  for (const certificate of [{ subject: { CN: 'ada' } } as PeerCertificate, undefined]) {
    const { asked, run } = setUp();
    const { socket } = run(new PassThrough(), { certificate: () => certificate });
    assert.deepEqual(asked[0]?.credentials.certificate, certificate);
    socket.emit('close');
  }
});

test('a browser gets a close code, and all other clients a status', () => {
  const missing: AccessRefusal = { status: 401, reason: 'token_missing', message: 'send one', challenge: 'Bearer' };
  const forbidden: AccessRefusal = { status: 403, reason: 'not_allowed', message: 'no' };
  const away: AccessRefusal = { status: 503, reason: 'keys_unavailable', message: 'no keys' };
  assert.deepEqual(answerOf(missing, false), { refusal: missing });
  assert.deepEqual(answerOf(missing, true).asClose, { code: 4401, reason: 'token_missing' });
  assert.deepEqual(answerOf(forbidden, false), { refusal: forbidden });
  assert.deepEqual(answerOf(forbidden, true).asClose, { code: 4403, reason: 'not_allowed' });
  for (const isBrowser of [true, false])
    assert.deepEqual(answerOf(away, isBrowser), { refusal: { ...away, retryAfter: 5 } });
});
