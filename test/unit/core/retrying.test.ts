import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { retrying } from '../../../src/core/retrying.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from './hand-clock.ts';

const away = () => new TidegateError('TG_LOG_UNAVAILABLE', 'no broker');
const backoff = { initial: 100, max: 400 };

function rig(outcomes: (TidegateError | string)[], failed?: (failure: TidegateError) => boolean) {
  const clock = new HandClock();
  const leaving = new AbortController();
  const attempt = async () => {
    const outcome = outcomes.shift();
    if (outcome instanceof TidegateError) throw outcome;
    return outcome;
  };
  const options = { clock, backoff, signal: leaving.signal, ...(failed === undefined ? {} : { failed }) };
  return { clock, leaving, outcomes, running: retrying(attempt, options) };
}

test('attempts are made until one succeeds, with pauses that grow', async () => {
  const { clock, outcomes, running } = rig([away(), away(), 'done']);
  await turn();
  assert.equal(outcomes.length, 2);
  clock.advance(49);
  await turn();
  assert.equal(outcomes.length, 2);
  clock.advance(51);
  await turn();
  assert.equal(outcomes.length, 1);
  clock.advance(99);
  await turn();
  assert.equal(outcomes.length, 1);
  clock.advance(101);
  assert.equal(await running, 'done');
});

test('an error that does not go away by itself ends the attempts', async () => {
  await assert.rejects(rig([new TidegateError('TG_TOPIC_INVALID', 'no'), 'done']).running, {
    code: 'TG_TOPIC_INVALID',
  });
  await assert.rejects(rig([away(), 'done'], () => false).running, { code: 'TG_LOG_UNAVAILABLE' });
});

test('an abort ends the attempts, in the middle of a pause as well', async () => {
  const { leaving, outcomes, running, clock } = rig([away(), 'done']);
  await turn();
  leaving.abort();
  assert.equal(await running, undefined);
  assert.deepEqual([outcomes.length, clock.pending], [1, 0]);
});
