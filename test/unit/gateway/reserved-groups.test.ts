import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectSchema } from '../../../src/config/schema/connect-schema.ts';
import { OwnGroups } from '../../../src/gateway/reserved-names.ts';

test('without connectors only the groups of pipelines are the gateway’s own', () => {
  const own = new OwnGroups({});
  const pipeline = {};
  own.add('billing', pipeline);
  assert.deepEqual(
    ['billing', 'tidegate-connect', 'connect-prices'].map((group) => own.has(group)),
    [true, false, false],
  );
  const other = {};
  own.add('billing', other);
  own.release(pipeline);
  assert.ok(own.has('billing'), 'another pipeline still reads in it');
  own.release(other);
  assert.ok(!own.has('billing'));
});

test('with connectors their group is, and those of sinks, whichever gateway runs them', () => {
  const own = new OwnGroups({ connect: connectSchema.parse({ group: 'dealing' }) });
  assert.deepEqual(
    ['dealing', 'connect-prices', 'tidegate-connect', 'connected'].map((group) => own.has(group)),
    [true, true, false, false],
  );
});
