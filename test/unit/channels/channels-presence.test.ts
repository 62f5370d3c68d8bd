import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HandChannels, handLog, settle, TOPIC } from './hand-channels.ts';

async function pair(t: TestContext) {
  const log = handLog();
  const [near, far] = [new HandChannels(log), new HandChannels(log)];
  await settle([near, far], 4);
  t.after(() => {
    for (const each of [near, far]) if (!each.isGone) each.kill(0);
  });
  return { near, far };
}

test('subscribers of a gateway that was declared dead hear what they missed, and its clients are back', async (t) => {
  const { near, far } = await pair(t);
  near.subscribe('x', 'mine');
  far.subscribe('x', 'other');
  await settle([near, far], 2);
  near.isFrozen = true;
  await settle([far, near], 8);
  assert.deepEqual(far.clients('x'), ['other']);
  far.unsubscribe('x', 'other');
  await settle([far, near], 2);
  near.told.splice(0);
  near.wake();
  near.deliver(1_000);
  assert.equal(near.clients('x'), undefined);
  await settle([near, far], 8);
  assert.deepEqual([near.told.toSorted(), near.clients('x')], [['x+mine', 'x-mine', 'x-other'], ['mine']]);
  assert.deepEqual([near.faults, far.clients('x')], [[], ['mine']]);
});

test('a gateway that dies takes its clients with it, and one that stops leaves at once', async (t) => {
  const { near, far } = await pair(t);
  far.subscribe('x', 'other');
  near.subscribe('x', 'mine');
  await settle([near, far], 2);
  far.kill(0);
  await settle([near], 8);
  assert.deepEqual(near.told.toSorted(), ['x+mine', 'x+other', 'x-other']);
  const third = new HandChannels(near.log, { part: 1, keepsTombstones: false });
  await settle([near, third], 4);
  assert.deepEqual(third.clients('x'), ['mine']);
  void near.resign();
  await settle([near, third], 1);
  assert.deepEqual([third.clients('x'), third.told], [[], ['x-mine']]);
  third.kill(0);
});

test('what came and went while the log took nothing is not written, and what is in flight is bounded', async (t) => {
  const near = new HandChannels(handLog(), undefined, { maxKnown: 10_000 });
  t.after(() => near.kill(0));
  await settle([near], 4);
  for (let at = 0; at < 5_000; at += 1) {
    near.subscribe('x', `${at}`);
    if (at >= 1_200) near.unsubscribe('x', `${at}`);
  }
  assert.equal(near.pending(TOPIC), 1_000);
  await settle([near], 4);
  assert.equal(near.presence.of('x', true, '')?.clients, 1_200);
  assert.equal(near.told.length, 1_200);
});
