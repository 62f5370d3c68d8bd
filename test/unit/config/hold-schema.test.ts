import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forallSchema } from '../../../src/config/schema/forall-schema.ts';
import { holdSchema } from '../../../src/config/schema/hold-schema.ts';

function mistakeIn(schema: typeof holdSchema | typeof forallSchema, value: unknown): string {
  const { error } = schema.safeParse(value);
  assert.ok(error !== undefined, 'there is a mistake');
  return error.issues
    .map(({ path, message }) => [path.join('.'), message].filter((part) => part !== '').join(': '))
    .join('; ');
}

suite('hold', () => {
  const cases: readonly (readonly [title: string, hold: unknown, mistake: RegExp])[] = [
    ['a list without an invariant', [], /at least one invariant: a test that holds nothing cannot fail/],
    ['a name with a slip', ['no_los'], /0: there is no invariant "no_los"; did you mean "no_loss"\?/],
    ['a name of nothing', ['xyzzy'], /; there are no_loss, no_duplicates, order_by_key, settles_once, batch_at_most/],
    ['a value that is missing', ['batch_at_most'], /batch_at_most needs a value, such as batch_at_most: 500/],
    ['a value that is none', [{ no_loss: true }], /no_loss has no value; write no_loss alone/],
    ['a batch of nothing', [{ batch_at_most: 0 }], /batch_at_most: expected a whole number from 1/],
    ['two in one item', [{ batch_at_most: 5, no_loss: true }], /expected one invariant/],
    ['a setting with a slip', [{ batch_at_mots: 5 }], /did you mean "batch_at_most"\?/],
    ['a code with a slip', [{ dead_letters_only_for: 'TG_MESAGE_INVALID' }], /did you mean "TG_MESSAGE_INVALID"\?/],
    ['a schema that is none', [{ output_schema: 5 }], /expected the path of a file, or a JSON Schema/],
    [
      'a root of messages',
      ['${! json.total > 0 }'],
      /reads json; of an output there are output, input, key, headers, topic/,
    ],
    ['an expression about nothing', ['${! 1 = 1 }'], /reads nothing of an output: it is the same for all/],
    ['text around an expression', ['x ${! output.a }'], /is not one expression/],
    ['a number', [5], /expected an invariant such as no_loss/],
  ];
  for (const [title, hold, mistake] of cases)
    test(`refuses ${title}`, () => assert.match(mistakeIn(holdSchema, hold), mistake));

  test('knows each invariant', () => {
    const names = ['no_loss', 'no_duplicates', 'order_by_key', 'settles_once'];
    const hold = holdSchema.parse([
      ...names,
      { batch_at_most: 5 },
      { dead_letters_only_for: 'TG_MESSAGE_INVALID' },
      { output_schema: './a.json' },
      '${! output.total >= 0 }',
    ]);
    const rest = ['batch_at_most', 'dead_letters_only_for', 'output_schema', 'expression'];
    assert.deepEqual(
      hold.map(({ name }) => name),
      [...names, ...rest],
    );
  });
});

suite('forall', () => {
  test('has 100 runs of 1 to 10 messages with three keys, and no faults, if nothing else is said', () => {
    const { schema: _, ...rest } = forallSchema.parse({ schema: {} });
    const messages = { min: 1, max: 10 };
    assert.deepEqual(rest, { runs: 100, messages, keys: 3, headers: {}, invalid: 0, faults: [], time: 10_000 });
  });

  test('takes a share, or a fifth, of invalid messages', () => {
    assert.equal(forallSchema.parse({ schema: {}, invalid: true }).invalid, 0.2);
    assert.equal(forallSchema.parse({ schema: {}, invalid: 0.5 }).invalid, 0.5);
  });

  const cases: readonly (readonly [title: string, forall: unknown, mistake: RegExp])[] = [
    ['no schema', {}, /^schema: expected a JSON Schema, or the path of a file with one/],
    [
      'a fault with a slip',
      { schema: {}, faults: ['crsh'] },
      /faults.0: there is no fault "crsh"; did you mean "crash"\?/,
    ],
    ['a fault that is a step alone', { schema: {}, faults: ['link_up'] }, /there is no fault "link_up"/],
    ['fewest above most', { schema: {}, messages: { min: 5, max: 2 } }, /min is above max/],
    ['no runs', { schema: {}, runs: 0 }, /^runs: /],
    ['a key that is not one', { schema: {}, keys: true }, /expected a number of keys, a list of keys/],
  ];
  for (const [title, forall, mistake] of cases)
    test(`refuses ${title}`, () => assert.match(mistakeIn(forallSchema, forall), mistake));
});
