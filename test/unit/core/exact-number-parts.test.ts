import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asWritten, ExactNumber, numberOf, parseExact, writeJson } from '../../../src/core/exact-number.ts';
import { JsonPath } from '../../../src/core/json-path.ts';

/** A part of a JSON text as it is passed on, written again. */
function passedOn(json: string, ...names: string[]): string | undefined {
  const parsed: unknown = names.reduce<unknown>(
    (value, name) => (value as Record<string, unknown>)[name],
    JSON.parse(json),
  );
  return writeJson(asWritten(parsed, new JsonPath(names), Buffer.from(json)));
}

test('a part of a JSON text has the digits that it has there', () => {
  const json = '{"id":8389766145050669871,"price":1.10,"n":7,"o":{"a":[1.0,2]},"s":"1.10","z":null,"t":true}';
  assert.equal(passedOn(json, 'id'), '8389766145050669871');
  assert.equal(passedOn(json, 'price'), '1.10');
  assert.equal(passedOn(json, 'n'), '7');
  assert.equal(passedOn(json, 'o'), '{"a":[1.0,2]}');
  assert.equal(passedOn(json, 's'), '"1.10"');
  assert.equal(passedOn(json, 'z'), 'null');
  assert.equal(passedOn(json, 't'), 'true');
});

test('a number that is written as a double is written stays one', () => {
  assert.equal(asWritten(7, new JsonPath(['n']), Buffer.from('{"n": 7 }')), 7);
  assert.ok(asWritten(1.1, new JsonPath(['n']), Buffer.from('{"n":1.10}')) instanceof ExactNumber);
});

test('a value that is not in the text under that path stays as it is', () => {
  assert.equal(asWritten(5, new JsonPath(['missing']), Buffer.from('{"n":1.10}')), 5);
});

test('equal digits of one text are one object, others are others', () => {
  const [a, b, c] = parseExact('[8389766145050669871,8389766145050669871,8389766145050669872]') as unknown[];
  assert.equal(a, b);
  assert.notEqual(a, c);
});

test('fifteen characters are always held, sixteen digits need not be', () => {
  assert.equal(numberOf('123456789012345'), 123456789012345);
  assert.equal(numberOf('0.1234567890123'), 0.1234567890123);
  assert.deepEqual(parseExact('9007199254740993'), new ExactNumber('9007199254740993'));
  assert.deepEqual(parseExact('0.12345678901234567'), numberOf('0.12345678901234567'));
  assert.ok(numberOf('1e400') instanceof ExactNumber);
  assert.deepEqual(parseExact('1e400'), new ExactNumber('1e400'));
});

test('an object that holds digits deep within is written with them, and without what JSON leaves out', () => {
  const digits = new ExactNumber('1.10');
  assert.equal(
    writeJson({ a: [{ b: digits }], gone: undefined, list: [undefined, digits] }),
    '{"a":[{"b":1.10}],"list":[null,1.10]}',
  );
  assert.equal(writeJson(undefined), undefined);
  assert.equal(writeJson({ plain: 1 }), '{"plain":1}');
});

test('a refusal shows the first forty digits', () => {
  const { message } = new ExactNumber('1'.repeat(41)).refusal();
  assert.ok(message.startsWith(`the number ${'1'.repeat(40)}... is not`), message);
  const { message: whole } = new ExactNumber('1'.repeat(40)).refusal();
  assert.ok(whole.startsWith(`the number ${'1'.repeat(40)} is not`), whole);
});

test('nothing is nothing, however many digits and whatever exponent it is written with', () => {
  for (const digits of ['0e5', '0.0E-3', '-0e1', '0.00000000000000000000'])
    assert.equal(Math.abs(Number(numberOf(digits))), 0);
  for (const digits of ['0e5', '0.0E-3', '0.00000000000000000000']) assert.equal(typeof numberOf(digits), 'number');
});
