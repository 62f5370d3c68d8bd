import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientLimitRules } from '../../../../src/actors/endpoint/client-limits.ts';
import { NO_PERMISSIONS } from '../../../../src/core/permissions.ts';
import { BucketRule } from '../../../../src/core/token-bucket.ts';
import { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn } from '../rig.ts';

const perSecond = (count: number, burst?: number) => new BucketRule({ count, period: 1_000 }, burst);
const rules = (changes: Partial<ClientLimitRules> = {}): ClientLimitRules => ({
  own: { messages: perSecond(10) },
  identity: {},
  closes: false,
  ...changes,
});

test('a client over its messages is read later, at the pace of its rate; its neighbour is not concerned', async (t) => {
  const { connect, messages, clock, figure, warnings } = endpointRig(t, { clientLimits: rules() });
  const greedy = await connect();
  const modest = await connect();
  for (let index = 0; index < 10; index++) greedy.sends(`g${index}`);
  modest.sends('m');
  await turn();
  assert.deepEqual([greedy.orders, messages().length], [[], 11]);
  greedy.sends('over');
  assert.deepEqual([greedy.orders, modest.orders], [['pause'], []]);
  await turn();
  assert.equal(messages().length, 12);
  assert.equal(figure('tidegate_clients_limited_total', { reason: 'messages' }), 1);
  assert.deepEqual(warnings(), ['a client of rooms sends more than limits.messages allows and is slowed']);

  // A debt of one message is paid after a tenth of a second.
  clock.advance(99);
  assert.deepEqual(greedy.orders, ['pause']);
  clock.advance(1);
  assert.deepEqual(greedy.orders, ['pause', 'resume']);
  for (let index = 0; index < 5; index++) {
    greedy.sends('one');
    greedy.sends('two');
    clock.advance(200);
  }
  assert.deepEqual(
    greedy.orders.slice(2),
    Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? 'pause' : 'resume')),
  );
  await turn();
  assert.equal(clock.pending, 1, 'the sweep alone');
});

test('what a slowed client sends all the same makes it wait longer, and it is counted once', async (t) => {
  const { connect, clock, figure } = endpointRig(t, { clientLimits: rules() });
  const greedy = await connect();
  for (let index = 0; index < 21; index++) greedy.sends('x');
  clock.advance(1_000);
  assert.deepEqual(greedy.orders, ['pause']);
  clock.advance(100);
  assert.deepEqual(greedy.orders, ['pause', 'resume']);
  assert.equal(figure('tidegate_clients_limited_total', { reason: 'messages' }), 1);
});

test('bytes have a limit of their own; a message larger than the burst passes, and is paid for', async (t) => {
  const { connect, messages, clock, figure } = endpointRig(t, {
    clientLimits: rules({ own: { bytes: perSecond(100, 2_000) } }),
  });
  const socket = await connect();
  socket.sends('x'.repeat(200));
  assert.deepEqual(socket.orders, []);
  socket.sends('x'.repeat(300));
  await turn();
  assert.deepEqual([socket.orders, messages().length], [['pause'], 2]);
  clock.advance(2_900);
  assert.deepEqual(socket.orders, ['pause']);
  clock.advance(100);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.equal(figure('tidegate_clients_limited_total', { reason: 'bytes' }), 1);
});

test('where clients are closed, the message that is too much is not taken, and the close says which limit', async (t) => {
  const { connect, messages, figure } = endpointRig(t, { clientLimits: rules({ closes: true }) });
  const socket = await connect();
  for (let index = 0; index < 11; index++) socket.sends('x');
  await turn();
  assert.equal(messages().length, 10);
  assert.deepEqual(socket.orders.at(-1), 'close 4429 more than limits.messages allows');
  assert.equal(figure('tidegate_clients_limited_total', { reason: 'messages' }), 1);
});

test('clients of one identity share its limits, and are let in up to its number', async (t) => {
  const { endpoint, messages, figure } = endpointRig(t, {
    clientLimits: rules({ own: {}, identity: { messages: perSecond(4), connections: 2 } }),
  });
  const ada = { claims: { sub: 'ada' } };
  const join = (identity?: typeof ada) => {
    const socket = new FakeSocket();
    const access = identity && { identity, permissions: NO_PERMISSIONS, name: undefined };
    endpoint.join(socket, { params: {}, query: {} }, undefined, undefined, access);
    return socket;
  };
  const [one, two, other, nameless] = [join(ada), join(ada), join({ claims: { sub: 'bob' } }), join()];
  assert.equal(endpoint.isFullFor(ada), true);
  assert.equal(endpoint.isFullFor({ claims: { sub: 'bob' } }), false);
  assert.equal(endpoint.isFullFor(undefined), false);
  for (let index = 0; index < 3; index++) for (const socket of [one, two, other, nameless]) socket.sends('x');
  await turn();
  assert.equal(messages().length, 12);
  assert.deepEqual(
    [one, two, other, nameless].map(({ orders }) => orders),
    [['pause'], ['pause'], [], []],
  );
  assert.equal(figure('tidegate_clients_limited_total', { reason: 'identity_messages' }), 2);
  for (const socket of [one, two, other, nameless]) socket.closes();
  assert.equal(endpoint.isFullFor(ada), false);
});

test('pings count as messages, and a client that is gone is not looked at any more', async (t) => {
  const { connect, clock } = endpointRig(t, { clientLimits: rules() });
  const socket = await connect();
  for (let index = 0; index < 11; index++) socket.sendsPing();
  assert.deepEqual(socket.orders, ['pause']);
  socket.closes();
  clock.advance(100);
  assert.deepEqual([socket.orders, clock.pending], [['pause'], 1]);
});

test('a client that is slowed while the pipelines want nothing is read when both have passed', async (t) => {
  const { connect, clock, endpoint } = endpointRig(t, { clientLimits: rules() });
  const socket = await connect();
  for (let index = 0; index < 11; index++) socket.sends('x');
  endpoint.pause();
  clock.advance(900);
  assert.deepEqual(socket.orders, ['pause']);
  endpoint.resume();
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});
