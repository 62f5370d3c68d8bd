import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';

const DAY = 86_400_000;
const LONGEST = 2 ** 31 - 1;

test('a delay that is longer than a timer of Node can be is waited for in full', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let fired = 0;
  systemClock.after(60 * DAY, () => {
    fired += 1;
  });
  t.mock.timers.tick(LONGEST);
  t.mock.timers.tick(LONGEST);
  const left = 60 * DAY - 2 * LONGEST;
  t.mock.timers.tick(left - 1);
  assert.equal(fired, 0);
  t.mock.timers.tick(1);
  assert.equal(fired, 1);
});

test('a long delay can be cancelled at any time', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let fired = 0;
  const cancel = systemClock.after(60 * DAY, () => {
    fired += 1;
  });
  t.mock.timers.tick(LONGEST);
  cancel();
  t.mock.timers.tick(60 * DAY);
  assert.equal(fired, 0);
});

test('a delay beyond what a timer of Node can be does not fire at once', async () => {
  let fired = false;
  const cancel = systemClock.after(LONGEST + 5, () => {
    fired = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  cancel();
  assert.equal(fired, false);
});
