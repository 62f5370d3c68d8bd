import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, formatSize, parseDuration, parseQuota, parseSize } from '../../../src/core/units.ts';

test('durations are read in every unit', () => {
  const read = ['0ms', '5ms', '1.5s', '10s', '1m', '2h', '1d'].map(parseDuration);
  assert.deepEqual(read, [0, 5, 1_500, 10_000, 60_000, 7_200_000, 86_400_000]);
});

test('sizes are read in decimal and binary units', () => {
  const read = ['0B', '500B', '1KB', '64KiB', '1.5MiB', '2MB', '1GB', '1GiB'].map(parseSize);
  assert.deepEqual(read, [0, 500, 1_000, 65_536, 1_572_864, 2_000_000, 1_000_000_000, 1_073_741_824]);
});

test('text that is not a duration or size is undefined', () => {
  for (const text of ['', '5', 'ms', '5 ms', '-5ms', '5MS', '1e3ms', '5ms ', '.5s', '5.s']) {
    assert.equal(parseDuration(text), undefined, text);
  }
  for (const text of ['', '5', 'B', '5 B', '-5B', '5kb', '5kib', '5K', '5Mi', '0x5B']) {
    assert.equal(parseSize(text), undefined, text);
  }
});

test('a quota has a number of seconds, minutes or hours', () => {
  assert.deepEqual(['5/s', '100/10s', '0.5/5m', '480/1h'].map(parseQuota), [
    { count: 5, period: 1_000 },
    { count: 100, period: 10_000 },
    { count: 0.5, period: 300_000 },
    { count: 480, period: 3_600_000 },
  ]);
  for (const text of ['5', '5/', '5/0s', '5/ms', '5/1.5s', '5/-1s', '/s', '5/10', '5/10000s'])
    assert.equal(parseQuota(text), undefined, text);
});

test('the shortest exact form is written', () => {
  assert.deepEqual([0, 999, 1_000, 1_500, 90_000, 3_600_000, 86_400_000].map(formatDuration), [
    '0ms',
    '999ms',
    '1s',
    '1500ms',
    '90s',
    '1h',
    '1d',
  ]);
  assert.deepEqual([0, 1_000, 1_024, 1_536, 1_048_576, 1_073_741_824].map(formatSize), [
    '0B',
    '1000B',
    '1KiB',
    '1536B',
    '1MiB',
    '1GiB',
  ]);
});
