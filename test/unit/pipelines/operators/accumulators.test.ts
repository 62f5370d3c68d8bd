import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ACCUMULATORS,
  type Accumulator,
  type AccumulatorName,
} from '../../../../src/pipelines/operators/window/accumulators.ts';
import { DistinctCount } from '../../../../src/pipelines/operators/window/distinct-count.ts';

type Seen = readonly [value: unknown, time: number];

function after(name: AccumulatorName, ...seen: readonly Seen[]): Accumulator {
  const accumulator = ACCUMULATORS[name]() as Accumulator;
  for (const [value, time] of seen) accumulator.add(value, time);
  return accumulator;
}

describe('functions of aggregate', () => {
  const seen: Seen[] = [
    [3, 20],
    [undefined, 5],
    [1, 10],
    [8, 20],
  ];
  const results: Record<AccumulatorName, unknown> = {
    count: 3,
    sum: 12,
    avg: 4,
    min: 1,
    max: 8,
    first: 1,
    last: 8,
    collect: [3, 1, 8],
    distinct: 3,
  };
  for (const [name, result] of Object.entries(results))
    test(`${name} leaves out records without a value`, () => {
      assert.deepEqual(after(name as AccumulatorName, ...seen).result, result);
    });

  test('without any value avg, min, max, first and last have no result, the others say nothing or 0', () => {
    const empty = Object.keys(ACCUMULATORS).map((name) => [
      name,
      after(name as AccumulatorName, [undefined, 1]).result,
    ]);
    assert.deepEqual(Object.fromEntries(empty), {
      count: 0,
      sum: 0,
      avg: undefined,
      min: undefined,
      max: undefined,
      first: undefined,
      last: undefined,
      collect: [],
      distinct: 0,
    });
  });

  test('first keeps the earlier of two records of one time, last the later', () => {
    const same: Seen[] = [
      ['a', 1],
      ['b', 1],
    ];
    assert.equal(after('first', ...same).result, 'a');
    assert.equal(after('last', ...same).result, 'b');
  });

  test('two that are merged are as one that has seen the records of both', () => {
    const record = fc.tuple(fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 9 })), fc.nat(50));
    const names = fc.constantFrom(...(Object.keys(ACCUMULATORS) as AccumulatorName[]));
    fc.assert(
      fc.property(names, fc.array(record), fc.array(record), (name, one, other) => {
        // Times of the second are later, as `first` and `last` choose by them.
        const later = other.map(([value, time]): Seen => [value, time + 100]);
        const merged = after(name, ...one);
        merged.merge(after(name, ...later));
        assert.deepEqual(merged.result, after(name, ...one, ...later).result);
      }),
    );
  });

  test('collect counts the bytes of what it keeps, a sum keeps nothing', () => {
    assert.ok(after('collect', ['x'.repeat(1_000), 1]).bytes >= 1_000);
    assert.equal(after('sum', [1, 1]).bytes, 0);
  });
});

describe('counting different values', () => {
  test('is exact for 64 values and within 5 % for 100,000, in 4 KiB', () => {
    const few = new DistinctCount();
    for (let n = 0; n < 640; n += 1) few.add(`v${n % 64}`);
    assert.equal(few.estimate, 64);
    const many = new DistinctCount();
    for (let n = 0; n < 100_000; n += 1) many.add(`user-${n}`);
    assert.ok(Math.abs(many.estimate - 100_000) < 5_000, `${many.estimate}`);
    assert.equal(many.bytes, 4_096);
  });

  test('merges few and many in either direction', () => {
    for (const [one, other] of [
      [40, 40],
      [40, 3_000],
      [3_000, 40],
      [3_000, 3_000],
    ] as const) {
      const merged = new DistinctCount();
      for (let n = 0; n < one; n += 1) merged.add(`a${n}`);
      const second = new DistinctCount();
      for (let n = 0; n < other; n += 1) second.add(`b${n}`);
      merged.merge(second);
      const error = Math.abs(merged.estimate - one - other) / (one + other);
      assert.ok(error < 0.05, `${one} and ${other}: ${merged.estimate}`);
    }
  });
});
