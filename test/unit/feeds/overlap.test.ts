import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overlap } from '../../../src/feeds/source/overlap.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { feedRig } from './feed-rig.ts';
import { MemoryCursors } from './memory-cursors.ts';

const seq = (n: number) => JSON.stringify({ seq: n });
const DEDUPE = { id: '${! json.seq }' };
const OVERLAP = { every: '100s', overlap: '10s' };

function setUp() {
  const passed: string[] = [];
  const overlap = new Overlap({
    clock: new HandClock(),
    keyOf: (data) => ({ text: String(data), isRepeatable: true }),
    isKnown: () => false,
    pass: ({ data, isRecord }) => passed.push(isRecord ? String(data) : `reply ${data}`),
    duplicate: () => {},
    backlog: { full: () => {}, drained: () => {} },
  });
  overlap.asked();
  overlap.live();
  const take = (side: 'old' | 'new', text: string) =>
    overlap.take(side, { data: Buffer.from(text), binary: false, connection: 1, isRecord: true });
  return { overlap, passed, take };
}

test('what the new connection has passed on first is a duplicate on the old one, also after its loss', () => {
  const { overlap, passed, take } = setUp();
  overlap.release();
  take('new', 'a');
  overlap.lost();
  take('old', 'a');
  take('old', 'b');
  assert.deepEqual(passed, ['a', 'b']);
});

test('an overlap is over when the old connection is gone and was not ahead of the new one', () => {
  const { overlap, take } = setUp();
  overlap.release();
  take('new', 'a');
  overlap.finish();
  assert.equal(overlap.isOver, true);
});

test('messages that came before the overlap do not wait: they are duplicates at once', async (t) => {
  const { network, clock, counter } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  network.last.says(seq(1));
  await turn();
  clock.advance(100_000);
  network.last.opens();
  network.last.says(seq(1));
  assert.equal(counter('tidegate_remote_dropped_total', { reason: 'duplicate' }), 1);
});

test('what arrives on the old connection while it is closed is a record', async (t) => {
  const { network, clock, texts } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  if (old !== undefined) old.isPolite = false;
  clock.advance(10_000);
  next?.says(seq(2));
  old?.says(seq(1));
  old?.ends();
  await turn();
  assert.deepEqual(texts(), [1, 2].map(seq));
});

test('with ack, repetitions of a long overlap cause no warning, and the cursor does not go back', async (t) => {
  const cursors = new MemoryCursors();
  const settings = { dedupe: DEDUPE, resume: { cursor: '${! json.seq }' }, ack: { message: 'ok' } };
  const { feed, network, clock, warnings } = await feedRig(
    t,
    { ...settings, reconnect: { every: '100s', overlap: '40s' } },
    { cursors },
  );
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  clock.advance(20_000);
  for (const n of [1, 2]) old?.says(seq(n));
  await turn();
  next?.says(seq(1));
  await turn();
  assert.deepEqual(warnings(), []);
  await feed.close();
  assert.equal((await cursors.load('p wss://feed.example/ws'))?.cursor, '2');
});

test('a record with the id of a reply is not dropped as its copy', () => {
  const { overlap, passed } = setUp();
  const reply = { data: Buffer.from('7'), binary: false, connection: 1, isRecord: false };
  overlap.take('old', reply);
  overlap.take('new', { ...reply, connection: 2, isRecord: true });
  overlap.take('new', { ...reply, connection: 2 });
  overlap.finish();
  assert.deepEqual(passed, ['reply 7', '7']);
});
