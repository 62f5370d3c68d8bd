import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EndpointOptions } from '../../../../src/actors/endpoint/endpoint-context.ts';
import type { Access, AccessPort, Granted } from '../../../../src/core/access.ts';
import { Batch } from '../../../../src/core/batch.ts';
import type { Introduction } from '../../../../src/core/component.ts';
import type { Effect } from '../../../../src/core/effect.ts';
import { Message } from '../../../../src/core/message.ts';
import { NO_PERMISSIONS } from '../../../../src/core/permissions.ts';
import { endpointRig, turn, wordCodec } from '../rig.ts';

const text = (data: string) => ({ data, binary: false });

const introduction: Introduction<null> = {
  accepted: (_state, id, { connection, pingInterval, expires }) =>
    text(`in ${id}${connection.renews === true ? ` until ${expires}` : ''} ping ${pingInterval}`),
  refused: (_state, id, { status, reason }): readonly Effect[] => {
    const said: Effect = { type: 'reply', frame: text(`out ${id} ${status} ${reason}`) };
    return status === 403 ? [said, { type: 'close', code: 4001, reason: 'out' }] : [said];
  },
};

/** Words; `hi TOKEN word ...` is an introduction, and what is to be published behind it. */
const codec = wordCodec({
  introduction,
  renewal: { ask: () => null, renewed: () => text('renewed') },
  ping: text('ping?'),
  farewell: ({ code, reason }) => ({ code, reason: `bye ${reason}` }),
  open: () => ({ state: null, effects: [] }),
  frame: (_state, data) => {
    const [word = '', token, ...more] = data.toString().split(' ');
    const publish = (one: string): Effect => ({
      type: 'publish',
      message: { payload: Buffer.from(one) },
      correlation: one,
    });
    if (word !== 'hi') return [publish(word)];
    return [{ type: 'introduce', ...(token !== '-' && { token }), correlation: token }, ...more.map(publish)];
  },
});

const LIMITS = { own: {}, identity: { connections: 1 }, closes: false };
const accessOf = (sub: string): Access => ({
  identity: { claims: { sub }, expires: 5_000_000 },
  permissions: NO_PERMISSIONS,
  name: undefined,
});

/** Tokens are names; `wait` is checked when the test says so. */
function setUp(t: TestContext, changes: Partial<EndpointOptions> = {}, hasAuth = true) {
  let decide: (granted: Granted) => void = () => assert.fail('nothing is checked');
  const access: AccessPort = {
    renews: true,
    grace: 5,
    isTokenProtocol: () => false,
    admit: async () => ({ later: true }),
    renew: async (token) => {
      if (token === 'wait') return new Promise<Granted>((resolve) => (decide = resolve));
      if (token === 'bad') return { refusal: { status: 401, reason: 'token_signature', message: 'bad' } };
      if (token === 'exile') return { refusal: { status: 403, reason: 'not_allowed', message: 'no' } };
      return { access: accessOf(token) };
    },
  };
  const rig = endpointRig(t, { codec, ...(hasAuth && { access }), ...changes });
  const says = async (socket: Awaited<ReturnType<typeof rig.connect>>, words: string) => {
    socket.sends(words);
    await turn();
    await turn();
    return socket.taken().join('');
  };
  const pass = async (seconds: number) => {
    rig.clock.advance(seconds * 1_000);
    await turn();
  };
  const record = async (word: string) => {
    rig.endpoint.deliver(new Batch([new Message(Buffer.from(word))]));
    await turn();
  };
  return { ...rig, says, pass, record, decide: (granted: Granted) => decide(granted) };
}

const closesOf = ({ orders }: { readonly orders: readonly string[] }) =>
  orders.filter((order) => order.startsWith('close'));

test('a client receives no record before it has said who it is, and is in when it has', async (t) => {
  const { connect, says, record, messages } = setUp(t);
  const socket = await connect();
  await record('early');
  assert.deepEqual(socket.taken(), []);
  assert.equal(await says(socket, 'hi ann'), 'in ann until 5000000 ping 20|');
  await record('late');
  assert.deepEqual(socket.taken(), ['late|']);
  await says(socket, 'one');
  assert.deepEqual(messages()[0]?.meta.auth, { sub: 'ann' });
});

test('what a client asks for behind its introduction is done after the answer, of its identity', async (t) => {
  const { connect, says, messages, endpoint, decide } = setUp(t);
  const socket = await connect();
  assert.equal(await says(socket, 'hi wait one two'), '');
  assert.equal(await says(socket, 'three'), '');
  assert.deepEqual(messages(), []);
  assert.ok(endpoint.heldBytes >= 'hi wait one two'.length);
  decide({ access: accessOf('ann') });
  await turn();
  await turn();
  assert.deepEqual(socket.taken().join(''), 'in wait until 5000000 ping 20|');
  assert.deepEqual(
    messages().map(({ text, meta }) => [text, meta.auth]),
    ['one', 'two', 'three'].map((word) => [word, { sub: 'ann' }]),
  );
});

test('a client that is refused may try again, and what was behind its introduction is dropped', async (t) => {
  const { connect, says, messages, endpoint } = setUp(t);
  const socket = await connect();
  assert.equal(await says(socket, 'hi bad one'), 'out bad 401 token_signature|');
  assert.equal(endpoint.heldBytes, 0);
  assert.equal(await says(socket, 'hi - one'), 'out - 401 token_missing|');
  assert.equal(await says(socket, `hi ${'a'.repeat(16_385)}`), `out ${'a'.repeat(16_385)} 401 token_malformed|`);
  assert.equal(await says(socket, 'hi ann'), 'in ann until 5000000 ping 20|');
  assert.deepEqual(messages(), []);
});

test('a client that the codec closes is out; closes have the words of the protocol', async (t) => {
  const { connect, says, messages } = setUp(t);
  const socket = await connect();
  assert.equal(await says(socket, 'hi exile one'), 'out exile 403 not_allowed|');
  assert.deepEqual(socket.orders.at(-1), 'close 4001 bye out');
  assert.deepEqual(messages(), []);
});

test('a codec that lets a client do something before it is in has failed', async (t) => {
  const { connect, says, messages, errors } = setUp(t);
  const socket = await connect();
  await says(socket, 'one');
  assert.match(socket.orders.at(-1) ?? '', /^close 1011/);
  assert.equal(errors().length, 1);
  assert.deepEqual(messages(), []);
});

test('a client has ten seconds to say who it is, and a check takes at most ten more', async (t) => {
  const { connect, says, pass } = setUp(t);
  const silent = await connect();
  await pass(10);
  assert.deepEqual(closesOf(silent), []);
  await pass(1);
  assert.deepEqual(silent.orders.at(-1), 'close 4408 bye no introduction');
  const slow = await connect();
  await says(slow, 'hi wait');
  await pass(11);
  assert.equal(slow.taken().join(''), 'out wait 503 check_timeout|');
});

test('the client that has waited longest makes room where 1024 have not said who they are', async (t) => {
  const { connect, says } = setUp(t);
  const known = await connect();
  await says(known, 'hi ann');
  const first = await connect();
  for (let count = 1; count < 1_024; count += 1) await connect();
  assert.deepEqual(closesOf(first), []);
  await connect();
  assert.deepEqual(closesOf(first), ['close 4408 bye too many clients have not said who they are']);
  assert.deepEqual(closesOf(known), []);
});

test('the limits of an identity count for a client from its introduction on', async (t) => {
  const { connect, says } = setUp(t, { clientLimits: LIMITS });
  const first = await connect();
  assert.match(await says(first, 'hi ann'), /^in/);
  const second = await connect();
  assert.equal(await says(second, 'hi ann'), 'out ann 429 identity_connections|');
  assert.match(await says(second, 'hi bob'), /^in/);
  first.closes(1000);
  await turn();
  assert.match(await says(await connect(), 'hi ann'), /^in/);
});

test('without auth a client is in with any token, and one of the handshake counts alone', async (t) => {
  const open = setUp(t, {}, false);
  assert.equal(await open.says(await open.connect(), 'hi any'), 'in any ping 20|');
  const { connect, says, messages } = setUp(t);
  const shown = await connect(accessOf('ann'));
  assert.equal(await says(shown, 'hi bob'), 'out bob 401 several_credentials|');
  assert.match(await says(shown, 'hi - one'), /^in/);
  assert.deepEqual(messages()[0]?.meta.auth, { sub: 'ann' });
});

test('clients of a protocol with pings get them also while they are not read, and a frame is the answer', async (t) => {
  const { connect, says, pass, endpoint } = setUp(t);
  const socket = await connect();
  await says(socket, 'hi ann');
  await pass(20);
  assert.deepEqual(socket.taken(), ['ping?|']);
  await says(socket, 'one');
  endpoint.pause();
  await says(socket, 'two');
  await pass(20);
  assert.deepEqual(socket.taken(), ['ping?|']);
  await pass(20);
  assert.deepEqual(socket.taken(), ['ping?|']);
  endpoint.resume();
  await pass(19);
  assert.deepEqual(socket.taken(), []);
  await pass(1);
  assert.deepEqual(socket.taken(), ['ping?|']);
  await pass(10);
  assert.equal(socket.orders.includes('terminate'), false);
  await pass(1);
  assert.deepEqual(socket.orders.at(-1), 'terminate');
});
