import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countFields, JsonPath, repeatedField } from '../../../src/core/json-path.ts';

const at = (json: string, ...steps: string[]) => new JsonPath(steps).textIn(Buffer.from(json));

test('a number keeps every digit that it has in the payload', () => {
  const json = '{"id": 8389766145050669871, "p":{"price":1.10,"qty":-0.0e-7 },"big":123456789012345678901234567890}';
  assert.equal(at(json, 'id'), '8389766145050669871');
  assert.equal(at(json, 'p', 'price'), '1.10');
  assert.equal(at(json, 'p', 'qty'), '-0.0e-7');
  assert.equal(at(json, 'big'), '123456789012345678901234567890');
});

test('an object, a list and a whole payload are the text that came', () => {
  const json = ' {"a" : {"b" : [1, "}"] , "c":null}, "d":true} ';
  assert.equal(at(json, 'a'), '{"b" : [1, "}"] , "c":null}');
  assert.equal(at(json, 'a', 'b'), '[1, "}"]');
  assert.equal(at(json), '{"a" : {"b" : [1, "}"] , "c":null}, "d":true}');
  assert.equal(at('5'), '5');
});

test('of a field that comes several times the last one counts, as for JSON.parse', () => {
  assert.equal(at('{"a":1,"b":{"a":7},"a":2}', 'a'), '2');
});

test('a name may be escaped, empty, beyond ASCII, or one of JavaScript itself', () => {
  assert.equal(at('{"\\u0069d":1}', 'id'), '1');
  assert.equal(at('{"":3}', ''), '3');
  assert.equal(at('{"größe":4}', 'größe'), '4');
  assert.equal(at('{"__proto__":{"x":5}}', '__proto__', 'x'), '5');
  assert.equal(at('{"a":1}', 'toString'), undefined);
});

test('what is not there, and a field of what has no fields, is undefined', () => {
  for (const json of ['{}', '[]', '"a"', '5', 'null', '{"b":{"a":1}}', '{"a2":1}'])
    assert.equal(at(json, 'a'), undefined, json);
  assert.equal(at('{"a":[1]}', 'a', 'length'), undefined);
});

test('a long text with quotes and backslashes is left behind at its own end', () => {
  const text = `${'x'.repeat(60)}\\"${'y'.repeat(60)}"${'\\'.repeat(7)}`;
  assert.equal(at(JSON.stringify({ text, id: 1 }), 'id'), '1');
  assert.equal(at(JSON.stringify({ ['\\'.repeat(100)]: 0, id: 1 }), 'id'), '1');
});

test('nesting of any depth is passed by', () => {
  assert.equal(at(`{"deep":${'['.repeat(200_000)}${']'.repeat(200_000)},"id":1}`, 'id'), '1');
});

test('whatever the payload, the text that is found is the JSON of the value that JSON.parse finds', () => {
  const name = fc.oneof(fc.constantFrom('a', 'b', '', '__proto__', 'é', '"', '\\'), fc.string());
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), tie('object')),
    object: fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((fields) => new Fields(fields)),
  }));
  const space = fc.constantFrom('', ' ', '\n\t');
  fc.assert(
    fc.property(tree.object, fc.array(name, { maxLength: 3 }), space, (fields, steps, gap) => {
      const json = write(fields, gap);
      let expected: unknown = JSON.parse(json);
      for (const step of steps)
        expected =
          typeof expected === 'object' && expected !== null && !Array.isArray(expected) && Object.hasOwn(expected, step)
            ? (expected as Record<string, unknown>)[step]
            : undefined;
      const text = at(json, ...steps);
      assert.deepEqual(text === undefined ? undefined : JSON.parse(text), expected);
    }),
  );
});

test('the fields of an object are counted as often as they come', () => {
  const cases: [json: string, count: number][] = [
    ['{}', 0],
    [' { } ', 0],
    ['[{"a":1}]', 0],
    ['"a"', 0],
    ['{"a":1}', 1],
    ['{ "a" : 1 , "b" : {"c":1,"d":2} }', 2],
    ['{"a":"},\\"","a":[{"a":1},{"b":2}],"\\u0061":null}', 3],
  ];
  for (const [json, count] of cases) assert.equal(countFields(Buffer.from(json)), count, json);
});

/** An object as pairs, so that a name may come several times. */
class Fields {
  readonly pairs: readonly (readonly [string, unknown])[];

  constructor(pairs: readonly (readonly [string, unknown])[]) {
    this.pairs = pairs;
  }
}

function write(value: unknown, gap: string): string {
  if (!(value instanceof Fields)) return JSON.stringify(value);
  const fields = value.pairs.map(
    ([name, inner]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${write(inner, gap)}${gap}`,
  );
  return `{${fields.join(',')}}`;
}

test('the field that comes a second time first is named, an escaped letter as the letter', () => {
  const cases: readonly (readonly [json: string, name: string | undefined])[] = [
    ['{"a":1,"b":{"a":2}}', undefined],
    ['{"a":1,"b":2,"\\u0061":3,"b":4}', 'a'],
    ['{"":1,"":2}', ''],
    ['[]', undefined],
  ];
  for (const [json, name] of cases) assert.equal(repeatedField(Buffer.from(json)), name, json);
});
