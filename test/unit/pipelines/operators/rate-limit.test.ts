import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { PassingRig } from './passing.ts';

const BY = '${! key }';

describe('rate_limit that drops', () => {
  test('lets a burst pass, and then as many as tokens come back', () => {
    const rig = new PassingRig('rate_limit', { rate: '10/s', burst: 3, when_over: 'drop' });
    rig.send('a1', 'a2', 'a3', 'a4');
    rig.clock.advance(99);
    rig.send('a5');
    rig.clock.advance(1);
    rig.send('a6', 'a7');
    rig.clock.advance(60_000);
    rig.send('b1', 'b2', 'b3', 'b4');
    assert.deepEqual(rig.texts, ['a1', 'a2', 'a3', 'a6', 'b1', 'b2', 'b3']);
    assert.equal(rig.outcomes.a4, 'filtered');
  });

  test('counts by key, and keeps so many keys', () => {
    const rig = new PassingRig('rate_limit', { rate: '1/h', by: BY, when_over: 'drop', keys: 2 });
    rig.send('a1', 'b1', 'a2', 'b2');
    assert.deepEqual(rig.texts, ['a1', 'b1']);
    rig.send('c1', 'b3', 'a3');
    assert.deepEqual(rig.texts, ['a1', 'b1', 'c1', 'a3'], 'a was asked for longest ago');
  });
});

describe('rate_limit that waits', () => {
  test('passes messages on when there are tokens, in the order of their key, while other keys go on', () => {
    const rig = new PassingRig('rate_limit', { rate: '1/s', by: BY });
    rig.send('a1', 'a2', 'a3', 'b1');
    rig.send('a4', 'c1');
    assert.deepEqual(rig.texts, ['a1', 'b1', 'c1']);
    rig.clock.advance(1_000);
    assert.deepEqual(rig.texts.slice(3), ['a2']);
    rig.clock.advance(2_000);
    assert.deepEqual(rig.texts.slice(4), ['a3', 'a4']);
    assert.deepEqual(rig.outcomes, {}, 'nothing ended here');
  });

  test('a message that is settled while it waits takes no token', () => {
    const rig = new PassingRig('rate_limit', { rate: '1/s' });
    const [, second] = rig.send('a1', 'a2', 'a3');
    second?.nack(new TidegateError('TG_STOPPING', 'the pipeline stops'));
    rig.clock.advance(1_000);
    assert.deepEqual(rig.texts, ['a1', 'a3']);
  });

  test('completes when nothing waits any more', () => {
    const rig = new PassingRig('rate_limit', { rate: '1/s' });
    rig.send('a1', 'a2');
    rig.end();
    assert.equal(rig.isComplete, false);
    rig.clock.advance(1_000);
    assert.deepEqual([rig.texts, rig.isComplete], [['a1', 'a2'], true]);
  });

  test('a small rate waits as long as it says', () => {
    const rig = new PassingRig('rate_limit', { rate: '2/h' });
    rig.send('a1', 'a2');
    rig.clock.advance(1_799_999);
    assert.deepEqual(rig.texts, ['a1']);
    rig.clock.advance(1);
    assert.deepEqual(rig.texts, ['a1', 'a2']);
  });
});
