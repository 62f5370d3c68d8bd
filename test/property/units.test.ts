import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/core/units.ts';

const whole = fc.oneof(
  fc.nat(10_000),
  fc.maxSafeNat().map((value) => Math.min(value, 2 ** 50)),
);

test('a duration that is written reads as the same milliseconds', () => {
  fc.assert(
    fc.property(whole, (milliseconds) => assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds)),
  );
});

test('a size that is written reads as the same bytes', () => {
  fc.assert(fc.property(whole, (bytes) => assert.equal(parseSize(formatSize(bytes)), bytes)));
});

test('a duration in any unit reads as its milliseconds, and is written in the same or a larger unit', () => {
  const units = [
    ['ms', 1],
    ['s', 1_000],
    ['m', 60_000],
    ['h', 3_600_000],
    ['d', 86_400_000],
  ] as const;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(...units), (count, [unit, factor]) => {
      assert.equal(parseDuration(`${count}${unit}`), count * factor);
      assert.ok(formatDuration(count * factor).length <= `${count}${unit}`.length);
    }),
  );
});

test('any text is a duration and a size only in its one form', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) assert.equal(parseDuration(text), undefined);
      if (!/^\d+(\.\d+)?([KMG]?B|[KMG]iB)$/.test(text)) assert.equal(parseSize(text), undefined);
    }),
  );
});
