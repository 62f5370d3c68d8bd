import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Access, AccessPort, Granted } from '../../../../src/core/access.ts';
import type { Renewal } from '../../../../src/core/component.ts';
import { NO_PERMISSIONS, Permissions } from '../../../../src/core/permissions.ts';
import { endpointRig, turn, wordCodec } from '../rig.ts';

const text = (data: string) => ({ data, binary: false });

const renewal: Renewal<null> = {
  ask: (_state, within) => text(`token within ${within}`),
  renewed: (_state, id, rejection, _now, expires) => text(`${id} ${rejection?.code ?? `until ${expires}`}`),
};

/** Words, and `token T`, which is a new token. */
const codec = wordCodec({
  renewal,
  frame: (_state, data) => {
    const [word = '', token] = data.toString().split(' ');
    if (token !== undefined) return [{ type: 'renew', token, correlation: word }];
    return [{ type: 'publish', message: { payload: data }, correlation: word }];
  },
});

interface Changes {
  readonly port?: Partial<AccessPort>;
  readonly hasFrame?: boolean;
  readonly access?: Partial<Access>;
}

/** A connection whose token expires after 10 seconds; new tokens are `SUBJECT` or `SUBJECT,seconds`, checked at once. */
async function setUp(t: TestContext, { port = {}, hasFrame = true, access = {} }: Changes = {}) {
  const rig = endpointRig(t, {
    codec: hasFrame ? codec : wordCodec(),
    access: {
      renews: true,
      grace: 5,
      isTokenProtocol: () => false,
      admit: async () => assert.fail('the handshake is over'),
      renew: async (token) => granted(token),
      ...port,
    },
  });
  const identityOf = (sub: string, seconds: number) => ({
    claims: { sub, seconds },
    expires: rig.clock.now() + seconds * 1_000,
  });
  const granted = (token: string): Granted => {
    const [sub = '', seconds = '100'] = token.split(',');
    if (sub === 'bad') return { refusal: { status: 401, reason: 'token_invalid', message: 'not valid' } };
    if (sub === 'away') return { refusal: { status: 503, reason: 'keys_unavailable', message: 'no keys' } };
    if (sub === 'exile') return { refusal: { status: 403, reason: 'not_allowed', message: 'no' } };
    return { access: { identity: identityOf(sub, Number(seconds)), permissions: ALL, name: undefined } };
  };
  const first: Access = { identity: identityOf('ada', 10), permissions: NO_PERMISSIONS, name: undefined, ...access };
  const socket = await rig.connect(first);
  /** So many seconds go by. */
  const pass = async (seconds: number) => {
    rig.clock.advance(seconds * 1_000);
    await turn();
  };
  const says = async (words: string) => {
    socket.sends(words);
    await turn();
    await turn();
    return socket.taken().join('');
  };
  const closes = () => socket.orders.filter((order) => order.startsWith('close'));
  return { ...rig, socket, pass, says, closes };
}

const ALL = new Permissions({ direct: 'everyone' });

test('a client whose token expires is asked once for a new one, and closed with 4401 after the grace', async (t) => {
  const { pass, socket, closes } = await setUp(t);
  await pass(9);
  assert.deepEqual([socket.taken(), closes()], [[], []]);
  await pass(1);
  assert.deepEqual(socket.taken(), ['token within 5|']);
  await pass(4);
  assert.deepEqual([socket.taken(), closes()], [[], []]);
  await pass(1);
  assert.deepEqual(closes(), ['close 4401 token expired']);
});

test('a client that was asked by a clock that jumped ahead is asked again in its time', async (t) => {
  const { clock, socket, pass, closes } = await setUp(t);
  socket.taken();
  clock.stepped = 3_600_000;
  await pass(1);
  assert.match(socket.taken().join(''), /^token within 5/);
  clock.stepped = 0;
  await pass(8);
  assert.deepEqual([socket.taken(), closes()], [[], []]);
  await pass(2);
  assert.match(socket.taken().join(''), /^token within 5/);
  assert.deepEqual(closes(), []);
});

test('a codec without a frame for it, or renew: false, closes with 4401 when the token expires', async (t) => {
  for (const changes of [{ hasFrame: false }, { port: { renews: false } }]) {
    const { pass, closes, socket } = await setUp(t, changes);
    await pass(9);
    assert.deepEqual(closes(), []);
    await pass(1);
    assert.deepEqual([closes(), socket.taken()], [['close 4401 token expired'], []]);
  }
});

test('a token without an end never expires', async (t) => {
  const { pass, closes, socket } = await setUp(t, { access: { identity: { claims: { sub: 'ada' } } } });
  await pass(10_000);
  assert.deepEqual([closes(), socket.taken().length], [[], 0]);
});

test('a new token in time is accepted; messages behind the answer are of the new identity', async (t) => {
  const { pass, says, closes, messages, figure, clock, socket } = await setUp(t);
  await says('one');
  const before = messages().at(-1)?.meta;
  await says('two');
  assert.equal(messages().at(-1)?.meta, before, 'one object for all messages of an identity');
  assert.deepEqual(before?.auth, { sub: 'ada', seconds: 10 });
  await pass(12);
  assert.deepEqual(socket.taken(), ['token within 5|']);
  assert.equal(await says('a ada,20'), `a until ${clock.now() + 20_000}|`);
  await says('three');
  assert.deepEqual(messages().at(-1)?.meta.auth, { sub: 'ada', seconds: 20 });
  assert.equal(figure('tidegate_token_renewals_total', { result: 'accepted' }), 1);
  await pass(19);
  assert.deepEqual(closes(), []);
  await pass(1 + 5);
  assert.deepEqual(closes(), ['close 4401 token expired'], 'the next one expires, too');
});

test('a token that is refused, or cannot be checked, is answered, and the time goes on', async (t) => {
  const { pass, says, closes, figure } = await setUp(t);
  await pass(10);
  assert.equal(await says('a bad'), 'token within 5|a TG_TOKEN_REFUSED|');
  assert.equal(await says('b away'), 'b TG_TOKEN_UNCHECKED|');
  assert.equal(await says(`c ${'x'.repeat(16_385)}`), 'c TG_TOKEN_REFUSED|');
  assert.deepEqual(closes(), []);
  assert.equal(figure('tidegate_token_renewals_total', { result: 'refused' }), 1);
  assert.equal(figure('tidegate_token_renewals_total', { result: 'unchecked' }), 1);
  await pass(5);
  assert.deepEqual(closes(), ['close 4401 token expired']);
});

test('a token of another client, or one that is not allowed in, closes with 4403', async (t) => {
  for (const [token, reason] of [
    ['eve', 'the token is of another client'],
    ['exile', 'not allowed'],
  ]) {
    const { says, closes, figure } = await setUp(t);
    assert.equal(await says(`a ${token}`), '');
    assert.deepEqual(closes(), [`close 4403 ${reason}`]);
    assert.equal(figure('tidegate_token_renewals_total', { result: 'forbidden' }), 1);
  }
});

test('a subject is one of its issuer: that of another issuer is another client', async (t) => {
  const { says, closes } = await setUp(t, { access: { identity: { claims: { sub: 'ada', iss: 'https://a' } } } });
  await says('a ada');
  assert.deepEqual(closes(), ['close 4403 the token is of another client']);
});

test('the name in the room stays what it is: a token that gives another one closes with 4403', async (t) => {
  const { says, closes } = await setUp(t, { access: { name: 'Ada' } });
  await says('a ada');
  assert.deepEqual(closes(), ['close 4403 the token is of another client']);
});

test('one token is checked at a time, for ten seconds at most, and a late verdict changes nothing', async (t) => {
  let decide: (granted: Granted) => void = () => {};
  const checked = new Promise<Granted>((resolve) => {
    decide = resolve;
  });
  const { pass, says, closes, messages } = await setUp(t, { port: { renew: () => checked } });
  assert.equal(await says('a ada'), '');
  assert.equal(await says('b ada'), 'b TG_LIMIT_REACHED|');
  await pass(10);
  assert.equal(await says('one'), 'token within 5|');
  await pass(1);
  assert.equal(await says('two'), 'a TG_TOKEN_UNCHECKED|');
  decide({ access: { identity: { claims: { sub: 'ada', late: true } }, permissions: ALL, name: undefined } });
  await says('three');
  assert.equal((messages().at(-1)?.meta.auth as { late?: boolean } | undefined)?.late, undefined);
  await pass(4);
  assert.deepEqual(closes(), ['close 4401 token expired']);
});

test('a token that came in time is waited for, but not for ever', async (t) => {
  const { pass, says, closes } = await setUp(t, { port: { renew: () => new Promise(() => {}) } });
  await pass(14);
  await says('a ada');
  await pass(9);
  assert.deepEqual(closes(), []);
  await pass(2);
  assert.deepEqual(closes(), ['close 4401 token expired']);
});

test('what checks tokens may break: its client is cut, and the gateway goes on', async (t) => {
  const { says, socket, errors } = await setUp(t, { port: { renew: () => Promise.reject(new Error('a bug')) } });
  await says('a ada');
  assert.deepEqual(socket.orders.at(-1), 'terminate');
  assert.equal(errors().length, 1);
});

test('while the gateway does not read a client, its time to send a token does not pass', async (t) => {
  const { endpoint, pass, says, closes, clock } = await setUp(t);
  await pass(10);
  endpoint.pause();
  assert.equal(await says('one'), 'token within 5|');
  await pass(200);
  assert.deepEqual(closes(), []);
  endpoint.resume();
  await pass(1);
  assert.equal(await says('a ada,20'), `a until ${clock.now() + 20_000}|`);
  assert.deepEqual(closes(), []);
});

test('but not for ever: after five minutes more it is closed all the same', async (t) => {
  const { endpoint, pass, closes } = await setUp(t);
  await pass(10);
  endpoint.pause();
  await pass(304);
  assert.deepEqual(closes(), []);
  await pass(1);
  assert.deepEqual(closes(), ['close 4401 token expired']);
});

test('a client that leaves while its token is checked leaves nothing behind', async (t) => {
  let decide: (granted: Granted) => void = () => {};
  const checked = new Promise<Granted>((resolve) => {
    decide = resolve;
  });
  const { endpoint, says, socket, errors } = await setUp(t, { port: { renew: () => checked } });
  await says('a ada');
  socket.closes(1001);
  await turn();
  assert.equal(endpoint.size, 0);
  decide({ access: { identity: { claims: { sub: 'ada' } }, permissions: ALL, name: undefined } });
  await turn();
  assert.deepEqual([socket.taken(), errors()], [[], []]);
});

test('without auth a connection has no session, and its permissions are those of all others', async (t) => {
  const rig = endpointRig(t, { permissions: ALL });
  const joined = rig.endpoint as unknown as { members: Iterable<{ session?: object; permissions: Permissions }> };
  const socket = await rig.connect();
  for (const { session, permissions } of joined.members)
    assert.deepEqual([session, permissions === ALL], [undefined, true]);
  socket.sends('one');
  await turn();
  assert.deepEqual(Object.keys(rig.messages()[0]?.meta ?? {}).sort(), [
    'client_id',
    'endpoint',
    'headers',
    'query',
    'remote',
  ]);
});
