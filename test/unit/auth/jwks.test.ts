import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '../../helpers/gateway-process.ts';
import { HandClock } from '../core/hand-clock.ts';
import { authOf, EC, jwkOf, keyServer, RSA, SECRET, tokenOf } from './rig.ts';

const TIMES = { cache: '10m', max_stale: '1h', refetch: '5s', timeout: '1m' };
const MINUTE = 60_000;

interface Issuer {
  readonly url: string;
  /** What it answers; the keys that it has where that is undefined. */
  respond: ((response: ServerResponse) => void) | undefined;
  keys: object[];
  requests: number;
}

async function issuer(t: TestContext, keys: object[] = [jwkOf(EC.publicKey, { kid: 'a' })]): Promise<Issuer> {
  const made: Issuer = {
    keys,
    requests: 0,
    respond: undefined,
    url: await keyServer(t, (_request, response) => {
      made.requests += 1;
      if (made.respond === undefined) response.end(JSON.stringify({ keys: made.keys }));
      else made.respond(response);
    }),
  };
  return made;
}

function rigOf(t: TestContext, { url }: Issuer, clock = new HandClock()) {
  return authOf(t, { jwt: { jwks: url, algorithms: ['ES256', 'RS256'], ...TIMES } }, clock).then((rig) => ({
    ...rig,
    clock,
  }));
}

const es = (kid?: string, key: KeyObject = EC.privateKey) =>
  tokenOf({ alg: 'ES256', ...(kid === undefined ? {} : { kid }) }, { sub: 'ada' }, key);
const wait = (isTrue: () => boolean) => until(isTrue, 10_000, () => 'it did not come');

test('many handshakes share one request, and later ones make none', async (t) => {
  const server = await issuer(t);
  const { check } = await rigOf(t, server);
  const first = await Promise.all(Array.from({ length: 200 }, () => check(es('a'))));
  assert.deepEqual(new Set(first), new Set(['accepted']));
  for (let n = 0; n < 50; n++) assert.equal(await check(es('a')), 'accepted');
  assert.equal(server.requests, 1);
});

test('when the last keys become too old it is said at once, and not a minute after the line before', async (t) => {
  const server = await issuer(t);
  const { check, clock, kept } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'accepted');
  server.respond = (response) => response.writeHead(500).end();
  clock.advance(70 * MINUTE - 1_000);
  await wait(() => kept.warnings().length === 1);
  assert.match(kept.warnings()[0] ?? '', /the keys that are known stay in use for 1s$/);
  clock.advance(5_000);
  await wait(() => kept.warnings().length === 2);
  assert.match(kept.warnings()[1] ?? '', /clients with tokens are refused until it answers$/);
});

test('an unknown key asks the server again, at most once in refetch', async (t) => {
  const server = await issuer(t);
  const { check, clock } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'accepted');
  for (let round = 2; round <= 4; round++) {
    const results = Promise.all(Array.from({ length: 300 }, (_, n) => check(es(`made up ${n}`))));
    await turn();
    assert.equal(await check(es('a')), 'accepted', 'a known key waits for nothing');
    assert.equal(server.requests, round - 1, 'not before its time');
    await wait(() => clock.pending > 0);
    for (let n = 0; n < 20; n++) await turn();
    clock.advance(5_000);
    assert.deepEqual(new Set(await results), new Set(['key_unknown']));
    assert.equal(server.requests, round);
  }
});

test('keys rotate under load, and no valid token is refused', async (t) => {
  const pairs = Array.from({ length: 5 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const published = (n: number) =>
    pairs
      .slice(Math.max(0, n - 1), n + 1)
      .map(({ publicKey }, at) => jwkOf(publicKey, { kid: `key ${Math.max(0, n - 1) + at}` }));
  const server = await issuer(t, published(0));
  const { check, clock } = await rigOf(t, server);
  const results: string[] = [];
  for (let n = 0; n < pairs.length; n++) {
    server.keys = published(n);
    // Signed by the newest key as soon as it is published, and by the one before that is still published.
    const newest = es(`key ${n}`, pairs[n]?.privateKey);
    const before = es(`key ${Math.max(0, n - 1)}`, pairs[Math.max(0, n - 1)]?.privateKey);
    const load = Promise.all(Array.from({ length: 200 }, (_, at) => check(at % 2 === 0 ? newest : before)));
    void load.then((all) => results.push(...all));
    for (let step = 0; step < 400 && results.length < (n + 1) * 200; step++) {
      clock.advance(50);
      await turn();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await load;
  }
  assert.equal(results.length, 1_000);
  assert.deepEqual(new Set(results), new Set(['accepted']));
  assert.ok(server.requests <= pairs.length + 1, `${server.requests} requests`);
});

test('a key that is withdrawn is not accepted once the keys were fetched again', async (t) => {
  const server = await issuer(t, [jwkOf(EC.publicKey, { kid: 'a' }), jwkOf(RSA.publicKey, { kid: 'b' })]);
  const { check, clock } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'accepted');
  server.keys = [jwkOf(RSA.publicKey, { kid: 'b' })];
  clock.advance(10 * MINUTE);
  await wait(() => server.requests === 2);
  await wait(() => clock.pending === 1);
  const late = check(es('a'));
  await turn();
  clock.advance(5_000);
  assert.equal(await late, 'key_unknown');
});

test('the server is away: old keys are used for max_stale, then tokens are refused with 503', async (t) => {
  const server = await issuer(t);
  const { authenticator, check, clock, kept, stats } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'accepted');
  server.respond = (response) => response.destroy();
  for (let minute = 0; minute < 69; minute++) {
    const { requests } = server;
    clock.advance(MINUTE);
    if (minute >= 9) await wait(() => server.requests > requests && kept.warnings().length > minute - 9);
    await turn();
    assert.equal(await check(es('a')), 'accepted', `minute ${minute}`);
  }
  const age = stats.snapshot().find(({ name }) => name === 'tidegate_auth_keys_age_seconds')?.points[0];
  assert.deepEqual(age, { labels: { auth: 'users' }, value: 69 * 60 });
  assert.equal(await check(es('other')), 'keys_unavailable', 'nothing says that there is no such key');
  clock.advance(MINUTE + 1);
  const identified = await authenticator.renew(es('a'));
  assert.ok('refusal' in identified);
  assert.deepEqual([identified.refusal.status, identified.refusal.reason], [503, 'keys_unavailable']);
  assert.match(
    kept.warnings()[0] ?? '',
    /^auth\.users: the key server http:\/\/127.* gives no keys: .*stay in use for/,
  );
  assert.ok(kept.warnings().length <= 62, `${kept.warnings().length} lines in an hour`);
  server.respond = undefined;
  clock.advance(5_000);
  await wait(() => kept.infos().length > 0);
  assert.equal(await check(es('a')), 'accepted');
});

test('no client is let in while there are no keys, whatever the server answers', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const answers: Record<string, (response: ServerResponse) => void> = {
    'answered 302': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    'answered 307': (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
    'answered 500': (response) => response.writeHead(500).end(JSON.stringify({ keys: [jwkOf(EC.publicKey)] })),
    'answered 204': (response) => response.writeHead(204).end(),
    'not JSON': (response) => response.end('<!DOCTYPE html><p>Please log in'),
    'not a set of keys': (response) => response.end('[]'),
    'it has no keys': (response) => response.end('{"keys":[]}'),
    compressed: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    'is a secret': (response) =>
      response.end(JSON.stringify({ keys: [{ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }] })),
    '1024 bits': (response) => response.end(JSON.stringify({ keys: [jwkOf(weak.publicKey)] })),
    'not for checking': (response) => response.end(JSON.stringify({ keys: [jwkOf(EC.publicKey, { use: 'enc' })] })),
    'for none of ES256': (response) => response.end(JSON.stringify({ keys: [jwkOf(EC.publicKey, { alg: 'HS256' })] })),
    malformed: (response) =>
      response.end('{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{},null,7,{"kty":"RSA"}]}'),
    'at most 64': (response) =>
      response.end(JSON.stringify({ keys: Array.from({ length: 65 }, () => jwkOf(EC.publicKey)) })),
    aborted: (response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('{"keys":', () => setTimeout(() => response.destroy(), 50));
    },
  };
  for (const [reason, respond] of Object.entries(answers)) {
    const server = await issuer(t);
    server.respond = respond;
    const { check, kept, clock } = await rigOf(t, server);
    assert.equal(await check(es('a')), 'keys_unavailable', reason);
    assert.ok(kept.warnings()[0]?.includes(reason), `${reason}: ${kept.warnings()}`);
    assert.match(kept.warnings()[0] ?? '', /are refused until it answers$/);
    // It does not make each client wait.
    assert.equal(await check(es('a')), 'keys_unavailable', reason);
    server.respond = undefined;
    clock.advance(5_000);
    await wait(() => kept.infos().length === 1);
    assert.equal(await check(es('a')), 'accepted', reason);
  }
});

test('a server that hangs is given up after timeout, before its headers and within its answer', async (t) => {
  for (const begins of [false, true]) {
    const server = await issuer(t);
    server.respond = (response) => begins && response.writeHead(200).write('{"keys":[');
    const { check, clock, kept } = await rigOf(t, server);
    const waiting = Promise.all(Array.from({ length: 50 }, () => check(es('a'))));
    await wait(() => server.requests === 1);
    await turn();
    clock.advance(MINUTE);
    assert.deepEqual(new Set(await waiting), new Set(['keys_unavailable']));
    assert.match(kept.warnings()[0] ?? '', /no complete answer within 60000 ms/);
  }
});

test('an answer of a gigabyte is cut at its first quarter of a megabyte', async (t) => {
  const server = await issuer(t);
  let sent = 0;
  server.respond = (response) => {
    const chunk = Buffer.alloc(65_536, 'x');
    const more = () => {
      while (sent < 1_073_741_824 && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on('drain', more);
    more();
  };
  const { check, kept } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'keys_unavailable');
  assert.match(kept.warnings()[0] ?? '', /more than 262144 bytes/);
  assert.ok(sent < 20_000_000, `${sent} bytes were sent`);
});

test('a secret in the URL of a key server is not logged', async (t) => {
  const server = await issuer(t);
  server.respond = (response) => response.writeHead(500).end();
  const url = `${server.url}?api_key=geheim123`;
  const { check, kept } = await authOf(t, { jwt: { jwks: url, algorithms: ['ES256'], ...TIMES } }, new HandClock());
  await check(es('a'));
  assert.equal(kept.warnings().length, 1);
  assert.ok(!JSON.stringify(kept.lines).includes('geheim'));
});

test('after it is closed nothing is asked and no timer is left', async (t) => {
  const server = await issuer(t);
  server.respond = () => {};
  const { authenticator, check, clock, kept } = await rigOf(t, server);
  const waiting = check(es('a'));
  await wait(() => server.requests === 1);
  authenticator.close();
  assert.equal(await waiting, 'keys_unavailable');
  clock.advance(60 * MINUTE);
  await turn();
  assert.deepEqual([server.requests, clock.pending, kept.warnings()], [1, 0, []]);
});

test('tokens with unknown keys that wait when it is closed are refused at once, and the process goes on', async (t) => {
  const server = await issuer(t);
  const { check, authenticator } = await rigOf(t, server);
  assert.equal(await check(es('a')), 'accepted');
  const waiting = Promise.all([check(es('made up')), check(es('invented'))]);
  await turn();
  authenticator.close();
  assert.deepEqual(await waiting, ['keys_unavailable', 'keys_unavailable']);
  assert.equal(await check(es('made up')), 'keys_unavailable');
  assert.equal(server.requests, 1);
});
