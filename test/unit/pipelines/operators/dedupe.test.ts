import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { PassingRig } from './passing.ts';

const BY = '${! key }';
const FAILURE = new TidegateError('TG_LOG_UNAVAILABLE', 'made to fail by the test');

test('what comes within the time behind a stored message with its key ends, and counts as done', () => {
  const { send, passed, clock, outcomes } = bound(new PassingRig('dedupe', { by: BY, within: '1m' }));
  send('a1', 'b2');
  for (const message of passed) message.ack();
  clock.advance(59_999);
  send('a3', 'c4');
  assert.deepEqual(texts(passed), ['a1', 'b2', 'c4']);
  assert.equal(outcomes.a3, 'filtered');
  clock.advance(1);
  send('a5');
  assert.deepEqual(texts(passed), ['a1', 'b2', 'c4', 'a5'], 'its time is over, counted from the first one');
});

test('a message whose first is in flight shares its fate', () => {
  const rig = new PassingRig('dedupe', { by: BY });
  const { send, passed, outcomes } = bound(rig);
  send('a1', 'a2', 'b3');
  send('a4', 'b5');
  assert.deepEqual([texts(passed), outcomes], [['a1', 'b3'], {}]);
  passed[0]?.ack();
  assert.deepEqual(outcomes, { a1: 'stored', a2: 'filtered', a4: 'filtered' });
  passed[1]?.nack(FAILURE);
  assert.deepEqual([rig.outcomes.b3, rig.outcomes.b5], ['TG_LOG_UNAVAILABLE', 'TG_LOG_UNAVAILABLE']);
  send('b6');
  assert.deepEqual(texts(passed), ['a1', 'b3', 'b6'], 'after a failure the next one is the first');
});

test('a first that is derived, split or dead-lettered is settled as well', () => {
  const { send, passed, outcomes } = bound(new PassingRig('dedupe', { by: BY }));
  send('a1', 'a2', 'b3', 'b4');
  const parts = passed[0]?.derive({ key: 'x' }).split([{ payload: Buffer.from('p') }, { payload: Buffer.from('q') }]);
  parts?.[0]?.ack();
  assert.equal(outcomes.a2, undefined);
  parts?.[1]?.ack();
  assert.equal(outcomes.a2, 'filtered');
  passed[1]?.ack('dead_letter');
  assert.deepEqual([outcomes.b3, outcomes.b4], ['dead_letter', 'filtered']);
});

test('a first that no transaction has taken, as its partition is gone, is the first again', () => {
  const { send, passed, outcomes } = bound(new PassingRig('dedupe', { by: BY }));
  send('a1', 'a2');
  passed[0]?.stage();
  passed[0]?.ack('filtered');
  assert.equal(outcomes.a2, 'filtered');
  send('a1');
  assert.deepEqual(texts(passed), ['a1', 'a1']);
});

test('so many keys are remembered, and the oldest is forgotten first', () => {
  const { send, passed } = bound(new PassingRig('dedupe', { by: BY, count: 2 }));
  const sendAndStore = (text: string) => {
    const before = passed.length;
    send(text);
    for (const message of passed.slice(before)) message.ack();
  };
  for (const text of ['a1', 'b2', 'a3', 'c4', 'b5', 'a6']) sendAndStore(text);
  assert.deepEqual(texts(passed), ['a1', 'b2', 'c4', 'a6']);
});

test('a message without a key fails alone', async () => {
  const { send, passed, outcomes } = bound(new PassingRig('dedupe', { by: BY }));
  send('1', 'a2');
  assert.deepEqual([texts(passed), outcomes], [['a2'], { 1: 'TG_EXPRESSION_FAILED' }]);
});

test('an expression that takes its time keeps the order', async () => {
  const { send, passed, outcomes } = bound(new PassingRig('dedupe', { by: '${! $join([$lowercase(key)]) }' }));
  send('B1', 'b2', 'a3');
  send('A4', 'c5');
  while (passed.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(texts(passed), ['B1', 'a3', 'c5']);
  for (const message of passed) message.ack();
  assert.deepEqual([outcomes.b2, outcomes.A4], ['filtered', 'filtered']);
});

function bound(rig: PassingRig) {
  return { send: rig.send.bind(rig), passed: rig.passed, outcomes: rig.outcomes, clock: rig.clock };
}

const texts = (messages: readonly { text: string }[]) => messages.map(({ text }) => text);
