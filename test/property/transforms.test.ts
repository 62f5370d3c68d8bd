import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flat, SOURCE, through, valueAfter } from '../unit/connect/transforms/fixture.ts';

/** Digits of JSON that a double cannot hold, and others. */
const digits = fc.oneof(
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
  fc.constantFrom('1.0', '1.10', '1e5', '-0', '0.1', '12345678901234567890.5'),
);
const name = fc.constantFrom('a', 'b', 'c', 'd.e', '__proto__', '');
const fields = fc.uniqueArray(fc.tuple(name, digits), { selector: ([one]) => one, maxLength: 6 });
const textOf = (pairs: readonly (readonly [string, string])[]) =>
  `{${pairs.map(([field, number]) => `${JSON.stringify(field)}:${number}`).join(',')}}`;

test('transforms that do not compute keep every digit, and the order of fields', () => {
  fc.assert(
    fc.property(fields, (pairs) => {
      const value = textOf(pairs);
      const kept = pairs.filter(([field]) => field !== 'b');
      assert.equal(valueAfter({ type: 'ReplaceField$Value', exclude: 'b' }, value), textOf(kept));
      assert.equal(valueAfter({ type: 'HoistField$Value', field: 'x' }, value), `{"x":${value}}`);
      assert.equal(
        valueAfter({ type: 'Flatten$Value' }, `{"x":${value}}`),
        textOf(pairs.map(([f, n]) => [`x.${f}`, n])),
      );
      const there = flat({
        h: { type: 'HoistField$Value', field: 'x' },
        e: { type: 'ExtractField$Value', field: 'x' },
      });
      assert.equal(through({ ...SOURCE, ...there }, { value })?.text, value);
    }),
  );
});

test('a cast of a cast is the cast', () => {
  const types = fc.constantFrom('int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string');
  fc.assert(
    fc.property(digits, types, (number, type) => {
      const once = valueAfter({ type: 'Cast$Value', spec: `a:${type}` }, `{"a":${number}}`) ?? '';
      assert.equal(valueAfter({ type: 'Cast$Value', spec: `a:${type}` }, once), once);
    }),
  );
});

test('a cast to a whole number wraps around as two bytes do', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (number) => {
      const cast = valueAfter({ type: 'Cast$Value', spec: 'a:int16' }, `{"a":${number}}`);
      const low = Number(((number % 65_536n) + 65_536n) % 65_536n);
      assert.equal(cast, `{"a":${low > 32_767 ? low - 65_536 : low}}`);
    }),
  );
});
