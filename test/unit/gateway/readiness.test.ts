import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TidegateError } from '../../../src/core/errors.ts';
import { Readiness } from '../../../src/gateway/readiness.ts';

function setUp() {
  const gateway = { reasons: ['the log is away'], failure: undefined as TidegateError | undefined, reached: 0 };
  const readiness = new Readiness({
    reasons: () => gateway.reasons,
    failure: () => gateway.failure,
    reached: () => {
      gateway.reached += 1;
    },
  });
  return { gateway, readiness };
}

test('a gateway is ready when there is no reason left against it, and stays ready', async () => {
  const { gateway, readiness } = setUp();
  const ready = readiness.wait();
  readiness.begin();
  await sleep(50);
  assert.equal(gateway.reached, 0);
  gateway.reasons = [];
  await ready;
  assert.equal(gateway.reached, 1);
  assert.equal(readiness.opening, undefined);
  readiness.end();
  await readiness.wait();
});

test('a pipeline that has failed for good ends the wait with its reason', async () => {
  const { gateway, readiness } = setUp();
  const ready = readiness.wait();
  readiness.begin();
  const failure = new TidegateError('TG_REMOTE_FAILED', 'nothing listens there');
  gateway.failure = failure;
  await assert.rejects(ready, failure);
  assert.equal(gateway.reached, 0);
  assert.equal(readiness.opening, undefined);
});

test('a gateway whose pipeline has failed is not ready, even without another reason', async () => {
  const { gateway, readiness } = setUp();
  const failure = new TidegateError('TG_REMOTE_FAILED', 'nothing listens there');
  Object.assign(gateway, { reasons: [], failure });
  readiness.begin();
  await assert.rejects(readiness.wait(), failure);
});
