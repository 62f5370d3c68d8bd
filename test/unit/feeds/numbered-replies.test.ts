import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { feedRig } from './feed-rig.ts';

/* A server that numbers all its messages, also those that are no records. */

/** An expression that needs JSONata, whose value is there later. */
const slowly = (value: string) => `\${! ($x := $match("a", /a/).match; ${value}) }`;
const tick = (seq: number) => `{"seq":${seq}}`;
const op = (name: string, seq: number) => `{"op":"${name}","seq":${seq}}`;
const PINGS = { ping: '0s', reply: { when: { op: 'ping' }, message: 'pong' } };
const SUBSCRIBE = { send: 'hello', expect: { op: 'welcome' } };

test('numbers of replies, pings and requests for a new connection are in the sequence', async (t) => {
  const { network, clock, texts, holes, counter } = await numbered(t, {
    subscribe: SUBSCRIBE,
    heartbeat: PINGS,
    reconnect: { on: { op: 'bye' } },
  });
  network.last.opens();
  for (const text of [tick(1), op('welcome', 2), tick(3), op('ping', 4), tick(5)]) network.last.says(text);
  await turn();
  assert.deepEqual(texts(), [tick(1), tick(3), tick(5)]);
  assert.equal(holes(), 0);
  network.last.says(op('ping', 7));
  network.last.says(tick(8));
  await turn();
  assert.equal(holes(), 1, 'what is missing before a ping is a hole, once');
  network.last.says(op('bye', 9));
  clock.advance(1);
  network.last.opens();
  for (const text of [op('welcome', 10), tick(11)]) network.last.says(text);
  await turn();
  assert.deepEqual([holes(), network.sockets.length], [1, 2]);
  // As if there were none.
  assert.equal(counter('tidegate_remote_frames_received_total'), texts().length);
});

test('they keep their places where messages are evaluated by JSONata', async (t) => {
  const { network, texts, holes } = await numbered(t, {
    subscribe: { ...SUBSCRIBE, expect: slowly('json.op = "welcome" and $x = "a"') },
    heartbeat: PINGS,
    reconnect: { on: slowly('json.op = "bye" and $x = "a"') },
  });
  network.last.opens();
  for (const text of [tick(1), op('ping', 2), op('welcome', 3), tick(4), op('ping', 5), tick(6)])
    network.last.says(text);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  assert.deepEqual([texts(), holes()], [[tick(1), tick(4), tick(6)], 0]);
});

test('a reply on a new connection comes before messages that the server repeats', async (t) => {
  const { network, clock, texts, holes } = await numbered(t, {
    subscribe: SUBSCRIBE,
    reconnect: { interval: '1s' },
    resume: { cursor: '${! json.seq }' },
  });
  network.last.opens();
  for (const text of [op('welcome', 1), tick(2)]) network.last.says(text);
  await turn();
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  for (const text of [op('welcome', 9), tick(3), tick(4)]) network.last.says(text);
  await turn();
  assert.deepEqual([texts(), holes()], [[tick(2), tick(3), tick(4)], 0]);
});

test('what both connections of an overlap receive is in the sequence once', async (t) => {
  const { network, clock, texts, holes } = await numbered(t, {
    heartbeat: PINGS,
    reconnect: { every: '100s', overlap: '10s' },
    dedupe: { id: '${! json.seq }' },
  });
  const say = (text: string) => {
    for (const socket of network.alive) socket.says(text);
  };
  network.last.opens();
  say(tick(1));
  clock.advance(100_000);
  network.last.opens();
  for (const text of [op('ping', 2), tick(3), op('ping', 4)]) say(text);
  const [old] = network.sockets;
  network.last.says(op('ping', 5));
  network.last.says(tick(6));
  clock.advance(10_000);
  assert.equal(old?.isEnded, true);
  network.last.says(op('ping', 7));
  network.last.says(tick(8));
  await turn();
  assert.deepEqual([texts(), holes()], [[tick(1), tick(3), tick(6), tick(8)], 0]);
});

test('a reply without a whole number is not compared, and nothing is logged', async (t) => {
  const { network, counter, warnings } = await numbered(t, { subscribe: SUBSCRIBE, heartbeat: PINGS });
  network.last.opens();
  for (const text of ['{"op":"welcome","seq":"abc"}', tick(1), '{"op":"ping"}', tick(2)]) network.last.says(text);
  await turn();
  assert.equal(counter('tidegate_remote_sequence_gaps_total', { kind: 'unreadable' }), 0);
  assert.deepEqual(warnings(), []);
});

test('the replies of a refused subscription are dropped without being counted', async (t) => {
  const { network, counter } = await numbered(t, {
    subscribe: [SUBSCRIBE, { send: 'trades', expect: { op: 'ok' }, reject: { op: 'no' } }],
  });
  network.last.opens();
  for (const text of [op('welcome', 1), tick(2), op('no', 3)]) network.last.says(text);
  await turn();
  assert.equal(counter('tidegate_remote_dropped_total', { reason: 'refused' }), 1);
});

// Helpers

async function numbered(t: Parameters<typeof feedRig>[0], settings: Record<string, unknown>) {
  const rig = await feedRig(t, { heartbeat: { ping: '0s' }, sequence: { value: '${! json.seq }' }, ...settings });
  const holes = () =>
    rig.counter('tidegate_remote_sequence_gaps_total', { kind: 'hole' }) +
    rig.counter('tidegate_remote_sequence_gaps_total', { kind: 'back' });
  return { ...rig, holes };
}
