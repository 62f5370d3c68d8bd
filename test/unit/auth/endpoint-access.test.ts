import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EndpointAccess } from '../../../src/auth/endpoint-access.ts';
import { chat } from '../../../src/codecs/chat.ts';
import type { Access, Admitted } from '../../../src/core/access.ts';
import { ACTIONS, type Action } from '../../../src/core/permissions.ts';
import { compileCondition, compileExpression } from '../../../src/sdk/expression.ts';
import { NamePattern } from '../../../src/sdk/name-pattern.ts';
import { HmacAuthenticator } from '../../helpers/hmac-authenticator.ts';

type Settings = Partial<ConstructorParameters<typeof EndpointAccess>[0]>;

const authenticator = new HmacAuthenticator();
const withToken = (claims: object) => ({ headers: { authorization: authenticator.sign({ ...claims }) }, query: {} });

function make(settings: Settings = {}): EndpointAccess {
  const rest = { endpoint: 'orders', authenticator, allow: {}, name: undefined, renews: true, grace: 30 };
  return new EndpointAccess({ ...rest, ...settings });
}

const patterns = (...texts: string[]) => texts.map((text) => new NamePattern(text));

function accessIn(admitted: Admitted): Access {
  if ('access' in admitted) return admitted.access;
  return assert.fail('refusal' in admitted ? `refused: ${admitted.refusal.message}` : 'let in later');
}

/** What is said in a handshake without parameters. */
const NOTHING = { params: {}, query: {} };
const claimsOf = async (port: EndpointAccess, claims: object) => accessIn(await port.admit(withToken(claims), {}));

// Values that a claim may have; undefined: the token has no such claim.
const claim = fc.oneof(
  fc.constantFrom('a', 'ab', 'a.b', '', '*', 'a*', '.', '.*', '\\', '[a]', 'a\nb', 'é'),
  fc.constantFrom(undefined, null, true, false, 0, 7, -1.5, [], ['a'], {}, { a: 'a' }),
);
/** A pattern in parts: plain text, `*`, or a claim. */
const part = fc.oneof(
  fc.constantFrom('a', 'b', '.', '[', '\n'),
  fc.constant('*'),
  fc.constantFrom('x', 'y').map((name) => ({ name })),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 });
const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '[', ']', '\n', '7', 'é'), maxLength: 6 });

type Part = string | { readonly name: string };

const written = (all: readonly Part[]) =>
  all.map((one) => (typeof one === 'string' ? one : `\${! auth.${one.name} }`)).join('');

/** The model: whether the parts, one after the other, can be found in the name; a claim is nothing but its own text. */
function fits(all: readonly Part[], claims: Readonly<Record<string, unknown>>, text: string): boolean {
  const [first, ...rest] = all;
  if (first === undefined) return text === '';
  if (first === '*')
    return Array.from({ length: text.length + 1 }, (_, at) => text.slice(at)).some((end) => fits(rest, claims, end));
  const literal = typeof first === 'string' ? first : claims[first.name];
  if (typeof literal === 'number')
    return text.startsWith(String(literal)) && fits(rest, claims, text.slice(String(literal).length));
  if (typeof literal !== 'string' || literal === '') return false;
  if (typeof first !== 'string' && literal.includes('*')) return false;
  return text.startsWith(literal) && fits(rest, claims, text.slice(literal.length));
}

test('a pattern allows what its text and the claims in it are, and nothing by a claim that is none', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ACTIONS),
      fc.array(parts, { maxLength: 3 }),
      fc.record({ x: claim, y: claim }),
      fc.array(name, { minLength: 1, maxLength: 8 }),
      async (action: Action, all, claims, names) => {
        const port = make({ allow: { [action]: all.map((one) => new NamePattern(written(one))) } });
        const { permissions } = await claimsOf(port, claims);
        for (const text of names) {
          const expected = all.some((one) => fits(one, claims, text));
          assert.equal(
            permissions.has(action, text),
            expected,
            JSON.stringify({ all: all.map(written), claims, text }),
          );
          for (const other of ACTIONS) if (other !== action) assert.equal(permissions.has(other, text), false);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('a tenant called * is allowed nothing, and neither is one without a name', async () => {
  const port = make({ allow: { read: patterns('${! auth.tenant }*', 'public') } });
  for (const tenant of ['*', 'a*b', '', null, true, ['a'], { a: 1 }, undefined]) {
    const { permissions } = await claimsOf(port, { tenant });
    assert.deepEqual(
      [permissions.has('read', 'a-1'), permissions.has('read', 'public')],
      [false, true],
      String(tenant),
    );
  }
  const { permissions } = await claimsOf(port, { tenant: 'a' });
  assert.deepEqual([permissions.has('read', 'a-1'), permissions.has('read', 'b-1')], [true, false]);
});

test('an expression that fails allows nothing, and its neighbours what they say', async () => {
  const port = make({ allow: { write: patterns('x-${! $number(auth.tenant) }', 'y-${! $uppercase(auth.tenant) }') } });
  const { permissions } = await claimsOf(port, { tenant: 'a' });
  assert.deepEqual([permissions.has('write', 'x-a'), permissions.has('write', 'y-A')], [false, true]);
});

test('clients of whom the same is true share what they may do, and patterns without claims are one for all', async () => {
  const port = make({ allow: { read: patterns('${! auth.tenant }.*') } });
  const [one, other, third] = [
    await claimsOf(port, { sub: 'ada', tenant: 'a' }),
    await claimsOf(port, { sub: 'bob', tenant: 'a' }),
    await claimsOf(port, { sub: 'cid', tenant: 'b' }),
  ];
  assert.equal(one.permissions, other.permissions);
  assert.notEqual(one.permissions, third.permissions);
  const fixed = make({ allow: { read: patterns('a.*') } });
  assert.equal(
    (await claimsOf(fixed, { sub: 'ada' })).permissions,
    (await claimsOf(fixed, { sub: 'bob' })).permissions,
  );
});

test('connect lets in where it is true, and neither by a text nor by a failure', async () => {
  const verdict = async (condition: string, claims: object, params = {}) => {
    const granted = await make({ allow: { connect: compileCondition(condition) } }).admit(withToken(claims), params);
    return 'refusal' in granted ? `${granted.refusal.status} ${granted.refusal.reason}` : 'in';
  };
  const trader = "${! 'trader' in auth.roles }";
  assert.equal(await verdict(trader, { roles: ['user', 'trader'] }), 'in');
  assert.equal(await verdict(trader, { roles: ['user'] }), '403 not_allowed');
  assert.equal(await verdict(trader, {}), '403 not_allowed');
  assert.equal(await verdict('${! auth.ok }', { ok: true }), 'in');
  for (const ok of ['false', 'true', 1, [], [true], {}, null])
    assert.equal(await verdict('${! auth.ok }', { ok }), '403 not_allowed', JSON.stringify(ok));
  assert.equal(await verdict('${! $number(auth.sub) > 1 }', { sub: 'x' }), '403 not_allowed');
  assert.equal(await verdict('${! auth.shop = meta.shop }', { shop: 'a' }, { shop: 'a' }), 'in');
  assert.equal(await verdict('${! auth.shop = meta.shop }', { shop: 'a' }, { shop: 'b' }), '403 not_allowed');
});

test('allow is asked about the name that a codec makes of the path, however the client spells it', async () => {
  const connect = compileCondition('${! meta.username != "admin" }');
  const port = make({ allow: { connect }, readParam: chat.readParam });
  for (const [username, isLetIn] of [
    ['ada', true],
    ['admin', false],
    ['admin ', false],
    ['\uff41dmin', false],
  ] as const)
    assert.equal('access' in (await port.admit(withToken({}), { username })), isLetIn, username);
});

test('a name comes from a claim, and a client without one is refused', async () => {
  const port = make({ name: compileExpression('${! auth.sub }') });
  assert.equal((await claimsOf(port, { sub: 'ada' })).name, 'ada');
  const nameless = await port.admit(withToken({}), {});
  assert.ok('refusal' in nameless && nameless.refusal.status === 403);
  const objected = await port.admit(withToken({ sub: { a: 1 } }), {});
  assert.ok('refusal' in objected && objected.refusal.status === 403);
});

test('what checks clients refuses them first, and a renewed token is judged as the first one was', async () => {
  const port = make({ allow: { connect: compileCondition('${! auth.ok }'), read: patterns('${! auth.tenant }') } });
  const missing = await port.admit({ headers: {}, query: {} }, {});
  assert.ok('refusal' in missing);
  assert.deepEqual([missing.refusal.status, missing.refusal.reason], [401, 'token_missing']);
  const { permissions } = accessIn(await port.renew(authenticator.sign({ ok: true, tenant: 'b' }), NOTHING));
  assert.deepEqual([permissions.has('read', 'a'), permissions.has('read', 'b')], [false, true]);
  const forbidden = await port.renew(authenticator.sign({ ok: false }), NOTHING);
  assert.ok('refusal' in forbidden && forbidden.refusal.status === 403);
});

test('a client that shows nothing comes in and says later who it is, where the protocol has that', async () => {
  const authenticator = new HmacAuthenticator();
  const nothing = { headers: {}, query: {} };
  const later = make({ authenticator, mayShowLater: true });
  assert.deepEqual(await later.admit(nothing, {}), { later: true });
  assert.equal(authenticator.checks, 0);
  const wrong = await later.admit({ ...nothing, query: { token: 'wrong' } }, {});
  assert.equal('refusal' in wrong && wrong.refusal.reason, 'token_invalid');
  const now = await make({ authenticator }).admit(nothing, {});
  assert.equal('refusal' in now && now.refusal.reason, 'token_missing');
});
