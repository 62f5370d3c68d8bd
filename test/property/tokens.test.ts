import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { authOf, EC, ED, encoded, pemOf, RSA, resultOf, SECRET, tokenOf } from '../unit/auth/rig.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

/* Tokens beside a model of RFC 7519 that is a few lines long, and valid tokens of which one thing was changed. */

const CLAIMS = { iss: 'https://id.example', aud: 'tidegate', sub: 'ada', roles: ['trader'] };
const KEYS: readonly (readonly [string, string | KeyObject, object])[] = [
  ['HS256', SECRET, { secret: SECRET }],
  ['RS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
  ['PS256', RSA.privateKey, { key: pemOf(RSA.publicKey) }],
  ['ES256', EC.privateKey, { key: pemOf(EC.publicKey) }],
  ['EdDSA', ED.privateKey, { key: pemOf(ED.publicKey) }],
];
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

type Change = (token: string) => string;

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const place = (token: string, share: number) => Math.floor(share * token.length);
const spliced = (token: string, from: number, remove: number, insert: string) =>
  token.slice(0, from) + insert + token.slice(from + remove);
const part = (token: string, index: number, change: (text: string) => string) =>
  token
    .split('.')
    .map((text, n) => (n === index ? change(text) : text))
    .join('.');

const change: fc.Arbitrary<Change> = fc.oneof(
  // One character of another value, of another case, gone, twice, or added.
  fc.tuple(at, fc.constantFrom(...BASE64URL, '=', '+', '/', '.', ' ', '%', '\n', 'é')).map(
    ([share, char]): Change =>
      (token) =>
        spliced(token, place(token, share), 1, char),
  ),
  fc.tuple(at, fc.constantFrom(...BASE64URL, '=', '.', ' ', '\0')).map(
    ([share, char]): Change =>
      (token) =>
        spliced(token, place(token, share), 0, char),
  ),
  fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(
    ([share, length]): Change =>
      (token) =>
        spliced(token, place(token, share), length, ''),
  ),
  at.map(
    (share): Change =>
      (token) => {
        const char = token.charAt(place(token, share));
        const other = char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
        return spliced(token, place(token, share), 1, other);
      },
  ),
  // The last character of the signature has bits that a lenient decoder drops.
  fc.constantFrom(...BASE64URL).map(
    (char): Change =>
      (token) =>
        `${token.slice(0, -1)}${char}`,
  ),
  // Padding, whitespace, another alphabet, other forms of a JWS.
  fc.constantFrom<Change>(
    (token) => `${token}=`,
    (token) => `${token}==`,
    (token) => ` ${token}`,
    (token) => `${token}\n`,
    (token) => `${token}.`,
    (token) => `.${token}`,
    (token) => token.replaceAll('.', '..'),
    (token) => token.toUpperCase(),
    (token) => `${token}.${token}`,
    (token) => part(token, 0, (text) => `${text}=`),
    (token) => part(token, 1, (text) => `${text}==`),
    (token) => part(token, 2, () => ''),
    (token) => part(token, 2, (text) => text.split('').reverse().join('')),
    (token) => token.split('.').reverse().join('.'),
    (token) => token.split('.').slice(0, 2).join('.'),
    (token) => JSON.stringify({ payload: token.split('.')[1] }),
  ),
  // Another header or other claims under the same signature.
  fc.constantFrom('none', 'HS256', 'RS256', 'ES256', 'PS256', 'EdDSA', '').map(
    (alg): Change =>
      (token) =>
        part(token, 0, () => encoded({ alg, typ: 'at+jwt' })),
  ),
  fc.dictionary(fc.string(), fc.jsonValue()).map(
    (more): Change =>
      (token) =>
        part(token, 1, () => encoded({ ...CLAIMS, ...more, sub: 'eve' })),
  ),
);

test('a valid token of which anything is changed is refused', async (t) => {
  for (const [alg, key, source] of KEYS) {
    const { check } = await authOf(t, {
      jwt: { ...source, algorithms: [alg], issuer: CLAIMS.iss, audience: CLAIMS.aud },
    });
    const token = tokenOf({ alg, typ: 'JWT' }, CLAIMS, key);
    assert.equal(await check(token), 'accepted', alg);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = changes.reduce((text, apply) => apply(text), token);
        fc.pre(changed !== token);
        const result = await check(changed);
        assert.ok(/^(token_(malformed|signature|algorithm)|key_unknown)$/.test(result), `${result}: ${changed}`);
      }),
      { numRuns: 300 },
    );
  }
});

/** Values of which a claim has one: of the right type mostly, and near its bounds. */
const NOW = 1_000_000;
const time = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: NOW / 1_000 - 5, max: NOW / 1_000 + 5 }) },
  fc.double({ min: NOW / 1_000 - 5, max: NOW / 1_000 + 5, noNaN: true }),
  fc.constantFrom(0, -1, 1e300, '1000', null, true, [1_000]),
);
const someone = fc.constantFrom<unknown>('a', 'b', 'A', '', null, 1, ['a'], ['c', 'b'], [], {});

interface Rules {
  readonly issuer: readonly string[];
  readonly audience: readonly string[];
  readonly skew: number;
}

/** RFC 7519 4.1: whether the claims are fine by these rules. */
function isFine({ iss, aud, exp, nbf, iat }: Record<string, unknown>, { issuer, audience, skew }: Rules): boolean {
  const now = NOW / 1_000;
  const isTime = (value: unknown) => value === undefined || typeof value === 'number';
  if (![exp, nbf, iat].every(isTime)) return false;
  if (issuer.length > 0 && !issuer.includes(iss as string)) return false;
  const named = Array.isArray(aud) ? aud : [aud];
  if (audience.length > 0 && !audience.some((one) => named.includes(one))) return false;
  return !(typeof exp === 'number' && exp <= now - skew) && !(typeof nbf === 'number' && nbf > now + skew);
}

test('claims are accepted exactly where a model of the rules accepts them', async () => {
  const clock = new HandClock();
  clock.time = NOW;
  const rules = fc.record({
    issuer: fc.subarray(['a', 'b']),
    audience: fc.subarray(['a', 'b']),
    skew: fc.constantFrom(0, 1, 3),
  });
  const claims = fc.record({ iss: someone, aud: someone, exp: time, nbf: time, iat: time }, { requiredKeys: [] });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(rules, claims, async (rule, content) => {
      const { issuer, audience, skew } = rule;
      const jwt = { secret: SECRET, algorithms: ['HS256'], issuer, audience, clock_skew: `${skew}s` };
      const { authenticator } = await authOf(undefined, { jwt }, clock);
      const identified = await authenticator.renew(tokenOf({ alg: 'HS256' }, content, SECRET));
      const written = JSON.parse(JSON.stringify(content)) as Record<string, unknown>;
      assert.equal(resultOf(identified) === 'accepted', isFine(written, rule), resultOf(identified));
      if (!('identity' in identified)) return;
      accepted += 1;
      assert.deepEqual(identified.identity.claims, written);
      if (identified.identity.expires !== undefined) assert.ok(identified.identity.expires > clock.now());
    }),
    { numRuns: 1_500 },
  );
  assert.ok(accepted > 100, `only ${accepted} were accepted`);
});
