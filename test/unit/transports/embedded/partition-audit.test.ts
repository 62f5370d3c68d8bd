import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditedBatch, auditPartition } from '../../../../src/transports/embedded/file/partition-audit.ts';

const MISSING = 'damaged: the batch is missing';

const whole = (base: number, span: number, records = span): AuditedBatch => ({ base, records, span });
const damaged = (base: number, reason = 'cut'): AuditedBatch => ({ base, reason });

/** What is found in a partition from `start` to `end`: whole records, and gaps. */
function found(start: number, end: number, batches: readonly AuditedBatch[], isComplete = true) {
  const audit = auditPartition({ topic: 't', partition: 3, start, end }, batches, isComplete);
  assert.deepEqual([audit.topic, audit.partition, audit.start, audit.end], ['t', 3, start, end]);
  return [audit.records, audit.damaged.map(({ from, to, reason }) => [from, to, reason])];
}

test('a partition whose batches follow each other is whole, and an empty one too', () => {
  assert.deepEqual(found(0, 0, []), [0, []]);
  assert.deepEqual(found(5, 5, []), [0, []]);
  assert.deepEqual(found(10, 30, [whole(10, 5), whole(15, 15)]), [20, []]);
});

test('what is missing at the beginning, in between and at the end is damage', () => {
  assert.deepEqual(found(0, 40, [whole(10, 10), whole(25, 5)]), [
    15,
    [
      [0, 10, MISSING],
      [20, 25, MISSING],
      [30, 40, MISSING],
    ],
  ]);
  assert.deepEqual(found(3, 8, []), [0, [[3, 8, MISSING]]]);
});

test('where compaction leaves holes nothing is missing', () => {
  assert.deepEqual(found(0, 40, [whole(10, 10, 2), whole(25, 5, 1)], false), [3, []]);
});

test('a damaged batch reaches to the next one, or to the end', () => {
  for (const isComplete of [true, false])
    assert.deepEqual(found(0, 40, [whole(0, 10), damaged(10), whole(20, 10), damaged(30)], isComplete), [
      20,
      [
        [10, 20, 'cut'],
        [30, 40, 'cut'],
      ],
    ]);
});

test('damaged batches one behind the other each have their reason', () => {
  assert.deepEqual(found(0, 30, [damaged(0, 'one'), damaged(10, 'two'), whole(20, 10)]), [
    10,
    [
      [0, 10, 'one'],
      [10, 20, 'two'],
    ],
  ]);
});

test('what is missing in front of a damaged batch is not reported as part of it', () => {
  assert.deepEqual(found(0, 30, [damaged(10), whole(20, 10)]), [
    10,
    [
      [0, 10, MISSING],
      [10, 20, 'cut'],
    ],
  ]);
});

test('a batch in front of the first record counts from there', () => {
  assert.deepEqual(found(5, 20, [whole(0, 10), whole(10, 10)]), [20, []]);
  assert.deepEqual(found(5, 20, [damaged(0), whole(10, 10)]), [10, [[5, 10, 'cut']]]);
});
