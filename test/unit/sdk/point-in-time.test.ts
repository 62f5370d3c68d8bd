// Own process: it changes the time zone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { pointInTime } from '../../../src/sdk/point-in-time.ts';

const of = (value: unknown) => pointInTime(value, { text: '${! json.at }' });
const NOON = Date.UTC(2024, 0, 1, 12);

test('a number, its text and a text as in ISO 8601 are a point in time', () => {
  for (const value of [NOON, `${NOON}`, new ExactNumber(`${NOON}.0`), '2024-01-01T12:00:00Z', '2024-01-01 13:00+01:00'])
    assert.equal(of(value), NOON, String(value));
  assert.equal(of('2024-01-01T07:00:00.250-0500'), NOON + 250);
  assert.equal(of(0), 0);
});

test('a text without a zone is UTC, whatever the zone of the machine', (t) => {
  const { TZ } = process.env;
  t.after(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  process.env.TZ = 'America/New_York';
  assert.equal(new Date(NOON).getHours(), 7, 'the zone is in effect');
  for (const value of ['2024-01-01T12:00:00', '2024-01-01 12:00', '2024-01-01T12:00:00.000'])
    assert.equal(of(value), NOON);
  for (const value of ['2024-01-01', '2024-01']) assert.equal(of(value), Date.UTC(2024, 0, 1));
});

test('what is no point in time fails', () => {
  for (const value of ['order 7', '-5', '1.5', '', 'Jan 1 2024', '2024-13-01', '2024-01-01T25:00:00Z', '1/2/2024'])
    assert.throws(() => of(value), /json\.at } gives no point in time/, value);
  for (const value of [undefined, null, true, [], [5], {}, -1, 1.5, Number.NaN, 2 ** 53])
    assert.throws(() => of(value), /gives no point in time/, String(value));
});
