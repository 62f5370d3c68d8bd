import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidegateError } from '../../../src/core/errors.ts';
import { ExactNumber, numberOf, parseAsWritten, parseExact, writeJson } from '../../../src/core/exact-number.ts';

test('a number that a double holds is one, whichever way it is written', () => {
  const held = [
    '0',
    '-0',
    '0.000',
    '1.10',
    '1e2',
    '1E+2',
    '0.1',
    '9007199254740991',
    '900719925474099.20e1',
    '1e22',
    '5e-324',
  ];
  for (const digits of held) assert.equal(numberOf(digits), Number(digits), digits);
});

test('a number that a double would change is kept as its digits', () => {
  const changed = [
    '9007199254740992',
    '9007199254740993',
    '8389766145050669871',
    '0.12345678901234567890',
    '1e999',
    '1e-999',
    '1'.repeat(30),
  ];
  for (const digits of changed) assert.equal(String(numberOf(digits)), digits);
  for (const digits of changed) assert.ok(numberOf(digits) instanceof ExactNumber, digits);
});

test('computing with more digits than a double holds fails with a reason, and with 1.10 it does not', () => {
  assert.equal(Number(new ExactNumber('1.10')) * 2, 2.2);
  assert.throws(
    () => Number(new ExactNumber('8389766145050669871')) + 1,
    (error: unknown) =>
      error instanceof TidegateError &&
      error.code === 'TG_EXPRESSION_FAILED' &&
      error.message.includes('8389766145050669871 is not computed with'),
  );
  assert.throws(() => JSON.stringify([new ExactNumber('8389766145050669871')]), TidegateError);
});

test('JSON that is passed on is written with the numbers that came', () => {
  const json =
    '{"id":8389766145050669871,"price":1.10,"s":"1.10 8389766145050669871 \\" 12e5","n":[1,1e2,-0],"__proto__":0.0}';
  assert.equal(writeJson(parseAsWritten(json)), json);
  for (const digits of ['1.10', '1e2', '-0', '123456789012345678901234567890'])
    assert.equal(writeJson(parseAsWritten(digits)), digits);
});

test('JSON for computing has doubles where they have the same value', () => {
  const { id, price } = parseExact('{"id":8389766145050669871,"price":1.10}') as Record<string, unknown>;
  assert.equal(price, 1.1);
  assert.ok(id instanceof ExactNumber);
  assert.equal(id.digits, '8389766145050669871');
});

test('a text that looks like a kept number stays a text', () => {
  const text = '\uFDD18389766145050669871';
  assert.deepEqual(parseExact(JSON.stringify({ text, id: 1 })), { text, id: 1 });
});

test('whatever the numbers, they come back as written', () => {
  const digits = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.bigInt({ min: 0n, max: 10n ** 30n }),
      fc.option(fc.stringMatching(/^\d{1,25}$/)),
      fc.option(fc.integer({ min: -400, max: 400 })),
    )
    .map(
      ([sign, whole, fraction, exponent]) =>
        `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
    );
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          digits,
          fc.string().map((text) => JSON.stringify(text)),
        ),
      ),
      (items) => {
        const json = `[${items.join(',')}]`;
        assert.equal(writeJson(parseAsWritten(json)), json);
        for (const [index, value] of (parseExact(json) as unknown[]).entries())
          if (value instanceof ExactNumber) assert.equal(value.digits, items[index]);
          else assert.deepEqual(value, JSON.parse(items[index] ?? ''));
      },
    ),
  );
});

test('a value that JSON has no word for is not written as null', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, { v: [1 / 0] }, { a: 1, v: Number.NaN }])
    assert.throws(() => writeJson(value), TidegateError);
});

test('a number with many zeros is read in no time', () => {
  // 1.000...01: a regular expression took 17 s for 60,000 zeros.
  const digits = `1.${'0'.repeat(300_000)}1`;
  const begun = performance.now();
  const value = parseExact(`{"a":${digits}}`) as { a: ExactNumber };
  assert.ok(performance.now() - begun < 2_000);
  assert.equal(value.a.digits, digits);
  assert.equal(numberOf('1.500000000000000000'), 1.5);
  assert.equal(numberOf('0.000000000000000000'), 0);
  assert.equal(numberOf('100000000000000000000e-18'), 100);
});

test('what is too deep to be written fails with a reason', () => {
  let deep: unknown = new ExactNumber('1');
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  assert.throws(() => writeJson(deep), { code: 'TG_EXPRESSION_FAILED', message: /cannot be written as JSON/ });
});
