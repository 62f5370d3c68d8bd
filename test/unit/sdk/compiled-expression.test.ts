import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { GIVE_UP, MAX_TEXT } from '../../../src/sdk/compiled-expression/computation.ts';
import { compileExpression } from '../../../src/sdk/expression.ts';
import { compileProgram } from '../../../src/sdk/jsonata.ts';
import { isRoot } from '../../../src/sdk/roots.ts';

const PAYLOAD = `{
  "id": 9007199254740993, "user": "Ada", "total": 12.345, "count": 3, "type": "order", "test": false, "note": null,
  "items": [{ "sku": "a" }, { "sku": "b" }], "customer": { "name": "Ada L.", "tags": ["x", "y"] }, "time": "2024-01-01T00:00:00Z"
}`;
const message = () =>
  new Message(Buffer.from(PAYLOAD), {
    key: 'k1',
    headers: [['tenant', 'acme']],
    meta: { client_id: 'c1' },
    timestamp: 1_700_000_000_000,
  });
const computed = (source: string, of = message()) => {
  const { compute } = compileProgram(source, isRoot);
  assert.ok(compute !== undefined, `${source} is not compiled`);
  return compute(of);
};

const TYPICAL: readonly (readonly [source: string, value: unknown])[] = [
  ["json.type = 'order'", true],
  ['json.total > 10 and json.total < 100', true],
  ['$not(json.test = true)', true],
  ['json.customer.name and $not(meta.tombstone = true)', true],
  ["json.type in ['order', 'refund']", true],
  ["'x' in json.customer.tags", true],
  ["json.type = 'a' or headers.tenant = 'acme'", true],
  ['$exists(json.note) ? json.note : "none"', null],
  ['json.missing > 5', undefined],
  ['json.missing != 5', false],
  ['json.count * json.total', 37.035000000000004],
  ['json.count % 2 = 1 ? "odd" : "even"', 'odd'],
  ['-json.count', -3],
  ["'order-' & json.count", 'order-3'],
  ["'sum ' & (0.1 + 0.2)", 'sum 0.3'],
  ["key & '/' & $string(json.id)", 'k1/9007199254740993'],
  ["$lowercase(json.user) & '@' & headers.tenant", 'ada@acme'],
  ['$uppercase($substring(json.user, 0, 1))', 'A'],
  ["$substringBefore(json.time, 'T')", '2024-01-01'],
  ["$contains(json.user, 'd')", true],
  ['$length($trim(" a b "))', 3],
  ['$round(json.total, 2)', 12.34],
  ['$floor(json.total) + $ceil(json.total) + $abs(-1)', 26],
  ['$number("12")', 12],
  ['$toMillis(json.time)', 1_704_067_200_000],
  ['$fromMillis(timestamp)', '2023-11-14T22:13:20.000Z'],
  ['$count(json.items) > 1', true],
  ['json.missing ?? "none"', 'none'],
  [
    '{ "n": json.count, "who": { "name": json.user }, "all": [json.count, json.total], "no": json.missing }',
    {
      n: 3,
      who: { name: 'Ada' },
      all: [3, 12.345],
    },
  ],
  ['{ "items": json.items }', { items: [{ sku: 'a' }, { sku: 'b' }] }],
];

test('typical expressions are compiled, and answer at once', () => {
  for (const [source, value] of TYPICAL) {
    assert.deepEqual(computed(source), value, source);
    assert.ok(!(compileExpression(`\${! ${source} }`).evaluateJson(message()) instanceof Promise), source);
  }
});

test('digits that a double cannot hold are passed on as they came', () => {
  assert.equal(compileExpression('${! { "id": json.id } }').evaluateJson(message()), '{"id":9007199254740993}');
  assert.equal(computed('json.id = json.id'), true);
});

test('what JSONata maps, refuses or limits is left to JSONata', () => {
  const long = new Message(Buffer.from(JSON.stringify({ text: 'x'.repeat(MAX_TEXT + 1) })));
  for (const source of ['json.items.sku', 'json.id + 1', 'json.user > 1', '1 / 0', 'json.items & ""', '[json.items]'])
    assert.equal(computed(source), GIVE_UP, source);
  assert.equal(computed('json.text & "!"', long), GIVE_UP);
  assert.equal(computed('json.a = 1', new Message(Buffer.from('no JSON'))), GIVE_UP);
  assert.ok(compileExpression('${! (json.text) }').evaluate(long) instanceof Promise);
});

test('what means something else than its parts is not compiled', () => {
  for (const source of [
    ...[
      'json.items[0].sku',
      'json.items[]',
      'json.*',
      '$now()',
      '$sum(json.items.price)',
      '$uppercase()',
      '(json.a; json.b)',
    ],
    ...[
      '($string := function($x) { "mine" }; $string(json.a))',
      '{ json.user: 1 }',
      '{ "__proto__": 1 }',
      'json.a ~> $string',
    ],
    ...['$contains(json.user, /d/)', '$.json.a', Array(300).fill('json.a').join(' and ')],
  ])
    assert.equal(compileProgram(source, isRoot).compute, undefined, source);
});

test('a list of one field twice, and a block with a function of its own, fail and answer as in JSONata', async () => {
  await assert.rejects(
    async () => compileExpression('${! { "a": 1, "a": 2 } }').evaluate(message()),
    /D1009|Multiple key/,
  );
  const own = compileExpression('${! ($string := function($x) { "mine" }; $string(json.user)) }');
  assert.equal(await own.evaluate(message()), 'mine');
});
