import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asTidegateError } from '../../src/core/errors.ts';
import { ExactNumber, writeJson } from '../../src/core/exact-number.ts';
import { Message } from '../../src/core/message.ts';
import { GIVE_UP } from '../../src/sdk/compiled-expression/computation.ts';
import { compileExpression } from '../../src/sdk/expression.ts';
import { compileProgram } from '../../src/sdk/jsonata.ts';
import { PATH } from '../../src/sdk/path-expression.ts';
import { isRoot, rootsOf } from '../../src/sdk/roots.ts';
import { textOf } from '../../src/sdk/value.ts';

const RUNS = 500;

// Messages

const NUMBERS = [
  ...['0', '-0', '1', '-1', '2', '3', '0.5', '2.5', '1.10', '0.1', '0.2', '1e3', '123456789012345', '9007199254740991'],
  ...['9007199254740993', '12345678901234567890', '1e400', '1e308', '0.1234567890123456789', '-2.5e-7'],
];
const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'Straße',
  '😀x',
  '\ud800',
  'null',
  '12',
  '12345678901234567890',
  '1.5e2',
  '0x1f',
  ' a  b ',
];
const DATES = ['2024-01-01T00:00:00Z', '2024-13-01', '2024'];
const NAMES = ['a', 'b', 'c', 'type', 'sequence', 'then', '_jsonata_function', '__proto__'];

const text = fc.constantFrom(...TEXTS, ...DATES);
/** JSON texts, as JSON.stringify could not write all of these numbers. */
const { value: jsonText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...NUMBERS, 'true', 'false', 'null'),
    text.map((one) => JSON.stringify(one)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 4 })
      .map((fields) => `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
  ),
}));
const message = fc.record({
  // Mostly an object, whose fields the expressions name.
  payload: fc.oneof(
    { weight: 8, arbitrary: fc.tuple(jsonText, jsonText, jsonText).map(([a, b, c]) => `{"a":${a},"b":${b},"c":${c}}`) },
    { weight: 1, arbitrary: jsonText },
    { weight: 1, arbitrary: fc.constantFrom('', 'no JSON') },
  ),
  key: fc.option(text),
  headers: fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__'), fc.option(text)), { maxLength: 3 }),
  meta: fc.constantFrom({}, { tombstone: true }, { client_id: 'c1', auth: { sub: 'ann', roles: ['x'] } }),
});

// Expressions

const name = fc.constantFrom('a', 'b', 'c', '`type`', '`sequence`', '`then`', '`__proto__`', '`_jsonata_function`');
const path = fc.oneof(
  { weight: 6, arbitrary: fc.array(name, { minLength: 1, maxLength: 2 }).map((names) => `json.${names.join('.')}`) },
  { weight: 2, arbitrary: name.map((one) => `headers.${one}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'json',
      'text',
      'key',
      'headers',
      'headers_all.a',
      'meta.client_id',
      'meta.tombstone',
      'auth.sub',
      'auth.roles',
      'timestamp',
      'offset',
      'partition',
      'topic',
    ),
  },
);
const literal = fc.oneof(
  fc.constantFrom('0', '1', '2.5', '1e308', '-3', 'true', 'false', 'null', '[]', '{}'),
  text.map((one) => JSON.stringify(one)),
);
const UNARY =
  `string number boolean not exists count length uppercase lowercase trim toMillis fromMillis abs floor ceil round
  type sum keys`.split(/\s+/);
const BINARY = 'contains substringBefore substringAfter substring round append'.split(' ');
const OPERATORS = '= != < <= > >= and or + - * / % & in'.split(' ');
/** What is not compiled, beside what is. */
const FOREIGN = [
  (inner: string) => `(${inner})[0]`,
  (inner: string) => `(${inner})[]`,
  (inner: string) => `$uppercase(${inner}, 1)`,
  (inner: string) => `($x := ${inner}; $x)`,
  (inner: string) => `($string := function($x) { 'mine' }; $string(${inner}))`,
  (inner: string) => `(${inner}; 1)`,
  (inner: string) => `{ "a": 1 }.(${inner})`,
  (inner: string) => `(${inner}){ 'k': $ }`,
  (inner: string) => `(${inner}) ~> $string`,
  (inner: string) => `${inner} ?: 7`,
  (inner: string) => `${inner} ?? 7`,
];

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression').map((one) => `(${one})`);
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 5, arbitrary: path },
      { weight: 2, arbitrary: literal },
      { weight: 8, arbitrary: fc.tuple(inner, fc.constantFrom(...OPERATORS), inner).map((three) => three.join(' ')) },
      { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...UNARY), inner).map(([call, one]) => `$${call}(${one})`) },
      {
        weight: 3,
        arbitrary: fc.tuple(fc.constantFrom(...BINARY), inner, inner).map(([call, a, b]) => `$${call}(${a}, ${b})`),
      },
      { weight: 1, arbitrary: fc.tuple(inner, inner, inner).map((three) => `$substring(${three.join(', ')})`) },
      { weight: 2, arbitrary: fc.tuple(inner, inner, inner).map(([a, b, c]) => `${a} ? ${b} : ${c}`) },
      { weight: 1, arbitrary: fc.tuple(inner, inner).map(([a, b]) => `${a} ? ${b}`) },
      { weight: 1, arbitrary: inner.map((one) => `-${one}`) },
      { weight: 2, arbitrary: fc.array(tie('expression'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`) },
      {
        weight: 3,
        arbitrary: fc
          .array(fc.tuple(fc.constantFrom('a', 'b', '2', '1', '__proto__', '_jsonata_lambda'), tie('expression')), {
            maxLength: 3,
          })
          .map((fields) => `{ ${fields.map(([field, value]) => `"${field}": ${value}`).join(', ')} }`),
      },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...FOREIGN), inner).map(([wrap, one]) => wrap(one)) },
    ),
  };
});

// Helpers

type Outcome = { readonly value: unknown } | { readonly failure: string };

async function outcomeOf(evaluate: () => unknown): Promise<Outcome> {
  try {
    return { value: plain(await evaluate()) };
  } catch (error) {
    const { code, message: reason } = asTidegateError(error, 'TG_PROCESSOR_FAILED');
    return { failure: `${code}: ${WITH_PARTS.test(reason) ? '' : reason}` };
  }
}

/** JSONata evaluates items of a list, and fields of an object, at the same time: which failure comes first is not given. */
const WITH_PARTS = /[[{][^\]}]*,/;

type Content = typeof message extends fc.Arbitrary<infer C> ? C : never;

/** JSONata makes objects without a prototype. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, plain(inner)]));
}

function made({ payload, key, headers, meta }: Content): Message {
  return new Message(Buffer.from(payload), { key, headers, meta, timestamp: 5, offset: 7, topic: 't' });
}

const counts = { compiled: 0, answered: 0, failed: 0 };

test('what is compiled gives exactly what JSONata gives, or leaves it to JSONata, as value, text and JSON', async () => {
  await fc.assert(
    fc.asyncProperty(expression, fc.array(message, { minLength: 4, maxLength: 4 }), async (drawn, contents) => {
      // A path alone is none of JSONata's.
      const source = PATH.test(drawn) ? `(${drawn})` : drawn;
      const { compute, run } = compileProgram(source, isRoot);
      const whole = compileExpression(`<\${! ${source} }>`);
      const alone = compileExpression(`\${! ${source} }`);
      if (compute !== undefined) counts.compiled += 1;
      for (const content of contents) {
        const expected = await outcomeOf(() => run(rootsOf(made(content))));
        const computed = compute?.(made(content));
        if (compute !== undefined && computed !== GIVE_UP) {
          counts.answered += 1;
          // Only what is refused as a result may differ, and that is asked of JSONata below.
          if ('value' in expected) assert.deepEqual(plain(computed), expected.value, source);
        }
        if ('failure' in expected) counts.failed += 1;
        assert.deepEqual(await outcomeOf(() => alone.evaluate(made(content))), expected, source);
        const written = async (write: (value: unknown) => unknown) =>
          outcomeOf(async () => write(await run(rootsOf(made(content)))));
        assert.deepEqual(await outcomeOf(() => alone.evaluateJson(made(content))), await written(writeJson), source);
        const asText = await written((value) => {
          const found = textOf(value);
          const inner = typeof found === 'object' ? found.json : found;
          return inner === undefined ? undefined : `<${inner}>`;
        });
        assert.deepEqual(await outcomeOf(() => whole.evaluateText(made(content))), asText, source);
      }
    }),
    { numRuns: RUNS },
  );
  // Else the property would say little.
  assert.ok(counts.compiled > RUNS / 3, `${counts.compiled} of ${RUNS} expressions were compiled`);
  assert.ok(counts.answered > RUNS, `${counts.answered} messages were answered at once`);
  assert.ok(counts.failed > RUNS / 10, `${counts.failed} messages failed`);
});
