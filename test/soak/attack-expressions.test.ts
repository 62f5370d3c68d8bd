import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../src/core/errors.ts';
import { Message } from '../../src/core/message.ts';
import { compileExpression } from '../../src/sdk/expression.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const text = (length: number) => 'a'.repeat(length);
/** Megabytes that may be added by one attack. */
const MAX_GROWTH = 400;

/** Those that take long; the others are in test/unit/sdk/expression-limits.test.ts. */
const ATTACKS: readonly (readonly [expression: string, json: unknown, limit: RegExp])[] = [
  ['($f := function($n){ $f($n + 1) }; $f(0))', {}, /takes more than/],
  ['($f := function($n){ 1 + $f($n + 1) }; $f(0))', {}, /25000 evaluations deep|takes more than/],
  ['$map(json.l, function($a){ $map(json.l, function($b){ $a * $b }) })', { l: numbers(3_000) }, /takes more than/],
  ['json.l.($a := $; $$.json.l.($a * $))', { l: numbers(3_000) }, /takes more than/],
  ['json.l[$ in $$.json.l]', { l: numbers(100_000) }, /takes more than|20000 items/],
  ['$reduce(json.l, $append)', { l: numbers(100_000) }, /20000 items|takes more than/],
  ['$sort(json.l, function($a, $b){ $a > $b })', { l: numbers(100_000).reverse() }, /takes more than/],
  ['json.l{ t: $count($) }', { l: Array(50_000).fill({ t: 'x' }) }, /20000 items|takes more than/],
  ['$replace(json.c, /a/, "bb")', { c: text(1_000_000) }, /takes more than/],
  ['$match(json.c, /a/)', { c: text(1_000_000) }, /20000 items/],
  ['$split(json.c, /a/)', { c: text(1_000_000) }, /20000 items/],
  ['$contains(json.c, /([ab]{1,300})+$/)', { c: `${text(1_000_000)}!` }, /a regular expression against/],
  ['json.l.$uppercase($$.json.c)', { l: numbers(19_000), c: text(500_000) }, /67108864 characters/],
  ['json.l{ $string($) & $$.json.c: 1 }', { l: numbers(19_000), c: text(500_000) }, /67108864|takes more than/],
  ['$map([1..15000], function($i){ $pad("x", 100000) })', {}, /67108864|takes more than/],
  ['$string($reduce([1..60], function($a, $b){ [[$a], [$a]] }, []))', {}, /1048576 parts/],
  ['$clone($reduce([1..60], function($a, $b){ {"a": $a, "b": $a} }, {}))', {}, /1048576 parts/],
];

for (const [expression, json, limit] of ATTACKS)
  test(`${expression} fails the message within seconds and a bound of memory`, { timeout: 120_000 }, async () => {
    const compiled = compileExpression(`\${! ${expression} }`);
    const message = new Message(Buffer.from(JSON.stringify(json)));
    const before = process.memoryUsage().rss;
    const begun = process.cpuUsage();
    await assert.rejects(
      async () => compiled.evaluateJson(message),
      (error: unknown) => {
        assert.ok(error instanceof TidegateError && error.code === 'TG_EXPRESSION_LIMIT', String(error));
        assert.match(error.message, limit);
        return true;
      },
    );
    const { user, system } = process.cpuUsage(begun);
    assert.ok(user + system < 6_000_000, `${user + system} µs of the processor`);
    assert.ok((process.memoryUsage().rss - before) / 1e6 < MAX_GROWTH);
  });

test('a list as long as one that is made is sorted', { timeout: 120_000 }, async () => {
  const message = new Message(Buffer.from(JSON.stringify({ l: numbers(20_000).map((p) => ({ p })) })));
  assert.equal(await compileExpression('${! $count(json.l^(>p)) }').evaluateJson(message), '20000');
});
