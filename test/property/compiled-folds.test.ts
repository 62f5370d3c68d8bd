import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asTidegateError } from '../../src/core/errors.ts';
import { writeJson } from '../../src/core/exact-number.ts';
import { Message } from '../../src/core/message.ts';
import { compileFold, type Folded, foldedOf } from '../../src/sdk/fold.ts';
import { compileProgram } from '../../src/sdk/jsonata.ts';
import { isRoot, rootsOf } from '../../src/sdk/roots.ts';

const RUNS = 300;

/** JSON texts, as JSON.stringify could not write all of these numbers. */
const json = fc.oneof(
  fc.constantFrom('0', '1', '-2.5', '1.10', '9007199254740993', '9007199254740991', '1e-7', 'true', 'null', '[]'),
  fc.constantFrom('""', '"a"', '"12"', '[1]', '[1,[2],"a"]', '[{"n":1},{"n":2}]', '{}'),
);
const object = fc.tuple(json, json).map(([n, m]) => `{"n":${n},"m":${m},"state":7}`);
const start = fc.oneof({ weight: 3, arbitrary: object }, { weight: 1, arbitrary: json });
const payloads = fc.array(
  fc.oneof({ weight: 5, arbitrary: object }, { weight: 1, arbitrary: fc.constant('no JSON') }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

const path = fc.constantFrom(
  'state',
  'state.n',
  'state.m',
  'state.n.m',
  'json.n',
  'json.m',
  'json.state',
  'json',
  'key',
);
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression').map((one) => `(${one})`);
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 5, arbitrary: path },
      { weight: 1, arbitrary: fc.constantFrom('0', '1', '2.5', '"a"', 'null') },
      {
        weight: 6,
        arbitrary: fc
          .tuple(inner, fc.constantFrom('+', '-', '*', '>', '=', 'and', '&', 'in'), inner)
          .map((three) => three.join(' ')),
      },
      { weight: 3, arbitrary: fc.tuple(inner, inner, inner).map(([a, b, c]) => `${a} ? ${b} : ${c}`) },
      { weight: 4, arbitrary: fc.tuple(inner, inner).map(([a, b]) => `{ "n": ${a}, "m": ${b} }`) },
      { weight: 1, arbitrary: fc.tuple(inner, inner).map(([a, b]) => `[${a}, ${b}]`) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom('string', 'count', 'exists'), inner).map(([f, a]) => `$${f}(${a})`),
      },
      // What is not compiled, beside what is.
      { weight: 1, arbitrary: inner.map((one) => `$append(state, ${one})`) },
    ),
  };
});

type Outcome = { readonly folded: Folded } | { readonly failure: string };

async function outcomeOf(evaluate: () => Folded | Promise<Folded>): Promise<Outcome> {
  try {
    return { folded: await evaluate() };
  } catch (error) {
    // Not what it says: JSONata evaluates items of a list side by side, and which of two that fail it names depends on the load.
    return { failure: asTidegateError(error, 'TG_PROCESSOR_FAILED').code };
  }
}

test('a compiled fold makes the states and failures that JSONata alone makes, record by record', async () => {
  const counts = { atOnce: 0, failed: 0, changed: 0 };
  await fc.assert(
    fc.asyncProperty(expression, start, payloads, async (source, begin, contents) => {
      const text = `\${! ${source} }`;
      const fold = compileFold(text);
      const { run } = compileProgram(source, (name) => name === 'state' || isRoot(name));
      let state = foldedOf(parsed(begin), text);
      for (const content of contents) {
        const made = () => new Message(Buffer.from(content), { key: 'k' });
        const before = writeJson(state.value);
        const next = await outcomeOf(() => {
          const found = fold.evaluate(made(), state);
          if (!(found instanceof Promise)) counts.atOnce += 1;
          return found;
        });
        const expected = await outcomeOf(async () => {
          const value = await run(Object.assign(rootsOf(made()), { state: state.value }));
          return value === undefined ? state : foldedOf(value, text);
        });
        assert.deepEqual(next, expected, source);
        assert.equal(writeJson(state.value), before, 'the state so far is not changed in place');
        if ('failure' in next) counts.failed += 1;
        else {
          if (next.folded !== state) counts.changed += 1;
          state = next.folded;
        }
      }
    }),
    { numRuns: RUNS },
  );
  // Else the property would say little.
  assert.ok(counts.atOnce > RUNS / 2, `${counts.atOnce} states were made at once`);
  assert.ok(counts.failed > RUNS / 20, `${counts.failed} records failed`);
  assert.ok(counts.changed > RUNS / 2, `${counts.changed} states were new ones`);
});

test('two folds that take turns each see their own state', () => {
  const sum = compileFold('${! state + json.n }');
  const last = compileFold('${! { "n": json.n, "before": state.n } }');
  let total = foldedOf(0, sum.text);
  let newest = foldedOf({}, last.text);
  for (const n of [3, 4, 5]) {
    const message = new Message(Buffer.from(`{"n":${n}}`));
    total = sum.evaluate(message, total) as Folded;
    newest = last.evaluate(message, newest) as Folded;
  }
  assert.equal(total.value, 12);
  assert.deepEqual(newest.value, { n: 5, before: 4 });
});

/** A state holds ExactNumbers, as the digits that came. */
function parsed(text: string): unknown {
  return new Message(Buffer.from(text)).json;
}
