import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DateFormat } from '../../../../src/connect/transforms/date-format.ts';

const AT = Date.UTC(2026, 1, 3, 14, 5, 6, 78);

test('a pattern is written as java.text.SimpleDateFormat does in UTC', () => {
  const texts: Readonly<Record<string, string>> = {
    yyyyMMdd: '20260203',
    'yy/M/d': '26/2/3',
    y: '2026',
    yyyyyy: '002026',
    'EEE, d MMM yyyy HH:mm:ss Z': 'Tue, 3 Feb 2026 14:05:06 +0000',
    'EEEE MMMM': 'Tuesday February',
    'h:mm a': '2:05 PM',
    'k K': '14 2',
    'SSS S': '078 78',
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'": '2026-02-03T14:05:06.078Z',
    "hh 'o''clock' ''": "02 o'clock '",
    D: '34',
    'z zzzz': 'UTC Coordinated Universal Time',
    XXX: 'Z',
  };
  for (const [pattern, text] of Object.entries(texts)) assert.equal(new DateFormat(pattern).format(AT), text, pattern);
});

test('a text is read as java.text.SimpleDateFormat does, leniently', () => {
  const cases: readonly (readonly [pattern: string, text: string, time: number | undefined])[] = [
    ['yyyyMMddHHmmss', '20260203140506', Date.UTC(2026, 1, 3, 14, 5, 6)],
    ['yyyy-MM-dd', '2026-2-3 and more', Date.UTC(2026, 1, 3)],
    ['yyyy-MM-dd', '2026-13-01', Date.UTC(2027, 0, 1)],
    ['d MMM yyyy', '3 february 2026', Date.UTC(2026, 1, 3)],
    ['EEE MMM dd HH:mm:ss z yyyy', 'Tue Feb 03 14:05:06 GMT 2026', Date.UTC(2026, 1, 3, 14, 5, 6)],
    ['hh:mm a', '12:30 AM', 30 * 60_000],
    ['hh:mm a', '12:30 pm', 750 * 60_000],
    ["yyyy-MM-dd'T'HH:mm:ssXXX", '2026-02-03T14:05:06+02:00', Date.UTC(2026, 1, 3, 12, 5, 6)],
    ['yyyy-MM-dd Z', '2026-02-03 -0130', Date.UTC(2026, 1, 3, 1, 30)],
    ['yyyy DDD', '2026 034', Date.UTC(2026, 1, 3)],
    // Java takes the digits for a number of milliseconds, whatever they are of.
    ['ss.SSSSSS', '01.500000', 1_000 + 500_000],
    ['yy', '70', Date.UTC(1970, 0, 1)],
    ['yyyy-MM-dd', 'x', undefined],
    ['yyyy-MM-dd', '2026-02', undefined],
    ['MMM', 'Foo', undefined],
    ['X', 'noon', undefined],
  ];
  for (const [pattern, text, time] of cases)
    assert.equal(new DateFormat(pattern).parse(text), time, `${pattern} ${text}`);
});

test('what was written is read again', () => {
  const format = new DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSSZ");
  const times = fc.integer({ min: Date.UTC(1, 0, 1) + 366 * 86_400_000 * 99, max: Date.UTC(9999, 11, 31) });
  fc.assert(fc.property(times, (time) => assert.equal(format.parse(format.format(time)), time)));
});

test('a pattern that is not one says why', () => {
  assert.throws(() => new DateFormat('yyyy-qq'), /Illegal pattern character 'q'/);
  assert.throws(() => new DateFormat("yyyy 'x"), /Unterminated quote/);
  assert.throws(() => new DateFormat('YYYY-ww'), /the pattern letter 'Y' is not supported; supported are y M d/);
});
