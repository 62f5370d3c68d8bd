import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayRound } from '../../../src/core/may-round.ts';
import { readsBack } from '../../../src/core/round-trip.ts';

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
  fc.constantFrom(
    '1e100',
    '1E+100',
    '1e-100',
    '1e99',
    '123456789012345.',
    '1234567890123456',
    '0.12345678901234',
    '1e',
  ),
);

test('digits that a double may not hold are found in bytes exactly where they are in text', () => {
  const text = fc
    .array(fc.oneof(number, fc.string({ unit: 'binary' })), { maxLength: 6 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (json) => {
      assert.equal(mayRound(Buffer.from(json)), /[\d.]{16}|[eE][+-]?\d{3}/.test(json));
    }),
    { numRuns: 2_000 },
  );
});

test('what is said to read back is what JSON.parse gives of its JSON', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything({ withNullPrototype: true, withDate: true })), (value) => {
      if (readsBack(value)) assert.deepStrictEqual(JSON.parse(JSON.stringify(value)), value);
    }),
    { numRuns: 2_000 },
  );
});

test('plain values read back; what JSON changes or leaves out does not', () => {
  for (const value of [null, 'a', 1.5, true, [], {}, { a: [1, { b: 'x' }] }, 1e21])
    assert.equal(readsBack(value), true);
  for (const value of [
    -0,
    Number.NaN,
    undefined,
    { a: undefined },
    [undefined],
    { a: [-0] },
    Object.create(null),
    new Date(0),
  ])
    assert.equal(readsBack(value), false);
});
