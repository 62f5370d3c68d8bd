import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { HandClock } from '../core/hand-clock.ts';
import { authOf, claimsOf, EC, ED, encoded, type Json, jwkOf, pemOf, RSA, SECRET, tokenOf } from './rig.ts';

const HS = { jwt: { secret: SECRET, algorithms: ['HS256'] } };
const hs = (claims: unknown, header: Json = {}) => tokenOf({ alg: 'HS256', ...header }, claims, SECRET);
const seconds = (clock: HandClock) => Math.floor(clock.now() / 1_000);

test('a token of each algorithm is accepted by its key, and its claims are frozen', async (t) => {
  const rows = [
    ['HS256', SECRET, { secret: SECRET }],
    ['HS384', SECRET.repeat(2), { secret: SECRET.repeat(2) }],
    ['HS512', SECRET.repeat(2), { secret: SECRET.repeat(2) }],
    ['RS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
    ['PS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
    ['ES256', EC.privateKey, { keys: { main: pemOf(EC.publicKey) } }],
    ['EdDSA', ED.privateKey, { key: pemOf(ED.publicKey) }],
  ] as const;
  for (const [alg, key, source] of rows) {
    const { authenticator } = await authOf(t, { jwt: { ...source, algorithms: [alg] } });
    const claims = claimsOf(await authenticator.renew(tokenOf({ alg }, { sub: 'ada', roles: ['trader'] }, key)));
    assert.deepEqual(claims, { sub: 'ada', roles: ['trader'] }, alg);
    assert.ok(Object.isFrozen(claims) && Object.isFrozen(claims.roles), alg);
  }
});

test('each reason for which a token is not accepted has its own name', async (t) => {
  const clock = new HandClock();
  const now = seconds(clock);
  const wanted = { issuer: ['https://a.example', 'https://b.example'], audience: 'tidegate' };
  const { check, counted } = await authOf(t, { jwt: { ...HS.jwt, ...wanted, clock_skew: '10s' } }, clock);
  const fine = { iss: 'https://b.example', aud: ['x', 'tidegate'] };
  const rows: [string, string][] = [
    [hs(fine), 'accepted'],
    [hs({ ...fine, aud: 'tidegate', exp: now - 9, nbf: now + 10 }), 'accepted'],
    [hs({ ...fine, exp: now - 10 }), 'token_expired'],
    [hs({ ...fine, nbf: now + 11 }), 'token_not_yet_valid'],
    [hs({ ...fine, exp: 'never' }), 'token_malformed'],
    [hs({ ...fine, nbf: '0' }), 'token_malformed'],
    [hs({ ...fine, iss: 'https://c.example' }), 'token_issuer'],
    [hs({ aud: 'tidegate' }), 'token_issuer'],
    [hs({ ...fine, aud: 'tidegate2' }), 'token_audience'],
    [hs({ iss: fine.iss }), 'token_audience'],
    [tokenOf({ alg: 'HS256' }, fine, `${SECRET}x`), 'token_signature'],
    [tokenOf({ alg: 'HS512' }, fine, SECRET), 'token_algorithm'],
    [hs([fine]), 'token_malformed'],
    [hs('no JSON'), 'token_malformed'],
    [hs(fine, { crit: ['x'], x: 1 }), 'token_malformed'],
    [hs(fine, { kid: 7 }), 'token_malformed'],
    ['', 'token_malformed'],
    ['a.b', 'token_malformed'],
    ['a.b.c.d.e', 'token_malformed'],
    [`${encoded('x')}.${encoded('x')}.${encoded('x')}`, 'token_malformed'],
    [hs({ ...fine, long: 'x'.repeat(20_000) }), 'token_malformed'],
    [hs(JSON.stringify({ ...fine, deep: 0 }).replace('0', '['.repeat(5_000) + ']'.repeat(5_000))), 'token_malformed'],
  ];
  for (const [token, reason] of rows) assert.equal(await check(token), reason, token.slice(0, 200));
  assert.equal(counted('accepted'), 2);
  assert.equal(counted('token_malformed'), rows.filter(([, reason]) => reason === 'token_malformed').length);
});

test('the end of an identity is that of its token and the skew, which is when it would be refused', async (t) => {
  const clock = new HandClock();
  const { authenticator, check } = await authOf(t, { jwt: { ...HS.jwt, clock_skew: '30s' } }, clock);
  const token = hs({ exp: seconds(clock) + 60 });
  const identified = await authenticator.renew(token);
  assert.ok('identity' in identified);
  const { expires = 0 } = identified.identity;
  clock.advance(expires - clock.now() - 1);
  assert.equal(await check(token), 'accepted');
  clock.advance(1);
  assert.equal(await check(token), 'token_expired');
  for (const claims of [{}, { exp: Number.MAX_VALUE }]) {
    const endless = await authenticator.renew(hs(claims));
    assert.ok('identity' in endless && endless.identity.expires === undefined);
  }
});

test('a token without a signature is refused, however none is written and whatever is allowed', async (t) => {
  const { check } = await authOf(t, HS);
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'hs256', 'HS256 ', null, undefined, ['HS256'], 0]) {
    const content = `${encoded({ alg })}.${encoded({ sub: 'ada' })}`;
    for (const token of [`${content}.`, content, `${content}.AA`]) {
      assert.match(await check(token), /^token_(algorithm|malformed)$/, JSON.stringify(alg));
    }
  }
});

test('a public key is never a secret: not what is in PEM, not its bytes, not what the token brings along', async (t) => {
  const pem = pemOf(RSA.publicKey);
  const { check } = await authOf(t, { jwt: { key: pem, algorithms: ['RS256', 'ES256'] } });
  const jwk = jwkOf(EC.publicKey);
  const der = RSA.publicKey.export({ type: 'spki', format: 'der' }).toString('latin1');
  for (const secret of [pem, pem.trim(), der, JSON.stringify(jwkOf(RSA.publicKey))])
    assert.equal(await check(tokenOf({ alg: 'HS256' }, {}, secret)), 'token_algorithm');
  for (const header of [{ jwk }, { jku: 'http://127.0.0.1:1/' }, { x5u: 'http://127.0.0.1:1/' }, { x5c: [pem] }])
    assert.equal(await check(tokenOf({ alg: 'ES256', ...header }, {}, EC.privateKey)), 'key_unknown');
});

test('of several keys the one that the token names is used, and each where it names none', async (t) => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = { a: pemOf(EC.publicKey), b: pemOf(other.publicKey), r: pemOf(RSA.publicKey) };
  const { check } = await authOf(t, { jwt: { keys, algorithms: ['ES256', 'RS256'] } });
  const es = (kid: string | undefined) => tokenOf({ alg: 'ES256', ...(kid ? { kid } : {}) }, {}, other.privateKey);
  assert.equal(await check(es('b')), 'accepted');
  assert.equal(await check(es(undefined)), 'accepted');
  assert.equal(await check(es('a')), 'token_signature');
  assert.equal(await check(es('c')), 'key_unknown');
  assert.equal(await check(es('r')), 'key_unknown', 'a key of another type');
  assert.equal(await check(tokenOf({ alg: 'RS256' }, {}, RSA.privateKey)), 'accepted');
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(await check(tokenOf({ alg: 'ES256' }, {}, stranger.privateKey)), 'token_signature');
});

test('a key id is a name and nothing else: no path, no query, no property that every object has', async (t) => {
  const { check } = await authOf(t, { jwt: { keys: { main: pemOf(EC.publicKey) }, algorithms: ['ES256'] } });
  const names = ['__proto__', 'constructor', 'toString', '../../../../dev/null', '/dev/null', 'https://127.0.0.1:1/'];
  for (const kid of [...names, "main' OR '1'='1", 'main\0', 'MAIN', ' main', '', 'x'.repeat(10_000)])
    assert.equal(await check(tokenOf({ alg: 'ES256', kid }, {}, EC.privateKey)), 'key_unknown', kid.slice(0, 40));
  for (const kid of [['main'], { main: true }, 0, true])
    assert.match(await check(tokenOf({ alg: 'ES256', kid }, {}, EC.privateKey)), /^(token_malformed|key_unknown)$/);
  // Names of secrets: of an entry with one secret, which is used whatever a token calls it, the signature decides.
  const { check: secret } = await authOf(t, HS);
  assert.equal(await secret(tokenOf({ alg: 'HS256', kid: '/dev/null' }, {}, '')), 'token_signature');
});

test('a certificate is a public key as well', async (t) => {
  const { X509Certificate, createPrivateKey } = await import('node:crypto');
  const { readFileSync } = await import('node:fs');
  const folder = new URL(
    import.meta.url.includes('/dist/') ? '../../../../test/fixtures/tls/' : '../../fixtures/tls/',
    import.meta.url,
  );
  const pem = readFileSync(new URL('server.pem', folder), 'utf8');
  const key = createPrivateKey(readFileSync(new URL('server.key.pem', folder)));
  const alg = createPublicKey(pem).asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
  assert.ok(new X509Certificate(pem).subject);
  const { check } = await authOf(t, { jwt: { key: pem, algorithms: [alg] } });
  assert.equal(await check(tokenOf({ alg }, {}, key)), 'accepted');
});
