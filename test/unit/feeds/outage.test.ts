import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutageWatch } from '../../../src/feeds/gaps/outage.ts';

const at = (time: number) => ({ now: () => time, elapsed: () => time, after: () => () => {} });

test('an outage begins with the first failure, ends once, and is never negative if the clock is set back', () => {
  const outages = new OutageWatch();
  assert.equal(outages.end(at(1)), undefined);
  outages.begin(10, 'cable cut');
  outages.begin(20, 'no route');
  assert.deepEqual(outages.end(at(30)), { from: 10, to: 30, reason: 'cable cut' });
  assert.equal(outages.end(at(40)), undefined);
  outages.begin(50, 'cable cut');
  outages.beginAgain(60, 'not running');
  assert.deepEqual(outages.end(at(55)), { from: 60, to: 60, reason: 'not running' });
});
