// Slow: its expressions run until a limit ends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import jsonata from 'jsonata';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { Budget, LIMITS } from '../../../src/sdk/budget.ts';
import { compileExpression } from '../../../src/sdk/expression.ts';
import { limit } from '../../../src/sdk/jsonata-limits.ts';
import { LinearRegex } from '../../../src/sdk/linear-regex.ts';
import { LinearSearch } from '../../../src/sdk/text-search.ts';

const of = (json: unknown) => new Message(Buffer.from(JSON.stringify(json)));
const evaluate = async (expression: string, json: unknown) =>
  compileExpression(`\${! ${expression} }`).evaluateJson(of(json));

/** With what the failure says behind the expression. */
const overLimit = (what: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TidegateError);
  assert.equal(error.code, 'TG_EXPRESSION_LIMIT', error.message);
  assert.match(error.message, what);
  assert.ok(error.message.length < 600);
  return true;
};

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const text = (length: number) => 'a'.repeat(length);

const ATTACKS: readonly (readonly [expression: string, json: unknown, limit: RegExp])[] = [
  ['$sum([1..9999999])', {}, /a list of more than 20000 items/],
  ['$sum([1..json.n])', { n: 1e12 }, /a list of more than 20000 items/],
  ['$reduce([1..60], function($a, $b){ [$a, $a] }, json.l)', { l: [1, 2] }, /a list of more than 20000 items/],
  ['$append(json.l, json.l)', { l: numbers(11_000) }, /a list of more than 20000 items/],
  ['$spread(json.l)', { l: numbers(30_000).map((a) => ({ a })) }, /a list of more than 20000 items/],
  ['json.*', Object.fromEntries(numbers(30_000).map((n) => [`k${n}`, [n]])), /a list of more than 20000 items/],
  ['$count(**)', { l: numbers(30_000) }, /a list of more than 20000 items/],
  ['json.l#$i^($)', { l: numbers(4_001) }, /a list of more than 4000 items.*use \$sort\(list, function/],
  ['$split(json.c, "")', { c: text(20_001) }, /a list of more than 20000 items/],
  ['$match(json.c, /a/)', { c: text(20_001) }, /a list of more than 20000 items/],
  ['$pad("x", 4e8)', {}, /a text of more than 16777216 characters/],
  ['$pad("x", -4e8)', {}, /a text of more than 16777216 characters/],
  ['$pad("x", 20000, json.c)', { c: text(1_000) }, /a text of more than 16777216 characters/],
  ['$join(json.l, json.c)', { l: Array(200).fill('x'), c: text(100_000) }, /a text of more than 16777216 characters/],
  ['$join(json.l.($$.json.c))', { l: Array(200).fill('x'), c: text(100_000) }, /a text of more than 16777216/],
  ["$replace(json.c, 'a', json.c)", { c: text(5_000) }, /a text of more than 16777216 characters/],
  ['$replace(json.c, /a/, json.c)', { c: text(4_200) }, /a text of more than 16777216 characters/],
  ["$replace(json.c, 'a', json.c)", { c: text(100_000) }, /Invalid string length/],
  ['($f := function($s, $n){ $n = 0 ? $s : $f($s & $s, $n - 1) }; $f("ab", 40))', {}, /a text of more than 16777216/],
  ['json.l.{ "room": $$.json.c }', { l: numbers(100), c: text(200_000) }, /more than 16777216 characters of text/],
  ['$reduce([1..1100], function($a, $b){ {"a": $a} }, {})', {}, /a value of more than 1000 levels/],
  ['$formatNumber(1, json.p)', { p: `${'#,'.repeat(1_000)}0` }, /a picture.* of more than 1000 characters/],
  ['$formatInteger(1, json.p)', { p: '0'.repeat(1_001) }, /a picture.* of more than 1000 characters/],
  ['$parseInteger(json.p, "0")', { p: '0'.repeat(1_001) }, /a picture.* of more than 1000 characters/],
  ['$formatInteger(1e12, "I")', {}, /Maximum call stack/],
  ["$fromMillis(0, '[Y,400000000-]')", {}, /a picture/],
  ['$fromMillis(0, json.p)', { p: '[Y]'.repeat(400) }, /a picture/],
  ["$toMillis(json.t, '[Y][M][D][H][m][s]x')", { t: '1'.repeat(65) }, /a time of more than 64 characters/],
  ['$contains(json.c, /^(a+)+$/)', { c: text(1_000_000) }, /a regular expression against 1000000 characters/],
];

test('what would fill the memory or never end fails the message and names the limit', async (t) => {
  // How far one gets in a second depends on the machine.
  t.mock.method(performance, 'now', () => 0);
  for (const [expression, json, what] of ATTACKS)
    await t.test(`${expression.slice(0, 60)} ${String(what).slice(0, 30)}`, async () => {
      await assert.rejects(evaluate(expression, json), overLimit(what));
    });
});

test('a list and texts as large as the limits allow are made', async () => {
  assert.equal(await evaluate('$sum([1..20000])', {}), '200010000');
  assert.equal(await evaluate('$count($split(json.c, "-"))', { c: '-'.repeat(LIMITS.items - 1) }), '20000');
  assert.equal(await evaluate('$length($pad("x", 10000))', {}), '10000');
  assert.equal(await evaluate('$count(json.l^(>$))', { l: numbers(200) }), '200');
  // A list of the message may be longer than one that is made.
  assert.equal(await evaluate('$count($distinct(json.l))', { l: numbers(60_000) }), '60000');
  assert.equal(await evaluate('$sort(json.l)[0]', { l: numbers(60_000).reverse() }), '0');
  assert.equal(await evaluate('$sort(json.l, function($a, $b){ $a > $b })[0]', { l: numbers(200).reverse() }), '0');
});

test('10,000 objects are sorted by a field, and lists of thousands with $sort', async (t) => {
  // The runner follows each promise, which takes several times as long as the expression.
  t.mock.method(performance, 'now', () => 0);
  const items = numbers(10_000).map((n) => ({ price: (n * 7_919) % 100_003, name: `n${(n * 31) % 977}` }));
  const prices = (some: typeof items) => JSON.stringify(some.map(({ price }) => price).sort((a, b) => a - b));
  assert.equal(await evaluate('json.items^(price).price', { items }), prices(items));
  const few = items.slice(0, 3_500);
  assert.equal(
    await evaluate('$sort(json.items, function($a, $b){ $a.price > $b.price }).price', { items: few }),
    prices(few),
  );
});

test('a limit says what to do, and quotes the beginning of the expression', async () => {
  await assert.rejects(evaluate('$sum([1..99999])', {}), {
    code: 'TG_EXPRESSION_LIMIT',
    message:
      '${! $sum([1..99999]) }: the expression makes a list of more than 20000 items, which is the limit for one message; split the message, or filter its lists earlier (docs/expressions.md#limits)',
  });
});

const REPEATED = { text: text(300_000), word: `${text(25_000)}b${text(25_000)}` };
const SEARCHES = [
  ['$contains(json.text, json.word)', 'false'],
  ['$substringBefore(json.text, json.word)', JSON.stringify(REPEATED.text)],
  ['$substringAfter(json.text, json.word)', JSON.stringify(REPEATED.text)],
  ['$count($split(json.text, json.word))', '1'],
  ['$replace(json.text, json.word, "")', JSON.stringify(REPEATED.text)],
] as const;

test('a long text is looked for in a long text in time that grows with their lengths', async () => {
  for (const [expression, value] of SEARCHES) {
    const before = process.cpuUsage();
    assert.equal(await evaluate(expression, REPEATED), value, expression);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1_000_000, `${expression} took ${(user + system) / 1_000} ms`); // 2,100 ms with indexOf
  }
});

test('a search in linear time finds what JSONata finds', async () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.property(part, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }), (pattern, whole) => {
      const search = new LinearSearch(whole, pattern);
      let from = 0;
      for (;;) {
        const place = search.next();
        assert.equal(place, whole.indexOf(pattern, from));
        if (place < 0) return;
        from = place + pattern.length;
      }
    }),
  );
  const word = `${text(9_000)}b`;
  const c = `x${word}y${word}${word}z${text(3_000)}`;
  for (const expression of [
    '$contains(c, w)',
    '$substringBefore(c, w)',
    '$substringAfter(c, w)',
    ...['', ', 0', ', 1', ', 2.5', ', 9', ', -1'].flatMap((limit) => [
      `$split(c, w${limit})`,
      `$replace(c, w, "$1"${limit})`,
    ]),
    '$contains(w, c)',
  ]) {
    const [plain, bounded] = await both(expression, { c, w: word });
    assert.equal(bounded, plain, expression);
  }
});

test('a short text is looked for in a text of any length', async () => {
  const long = `${text(8_000_000)}b`;
  assert.equal(await evaluate('$contains(json.c, json.w)', { c: long, w: `${text(500)}b` }), 'true');
  const replaced = await evaluate('$length($replace(json.c, "aaaaaaaa", "b"))', { c: text(1_000_000) });
  assert.equal(replaced, '125000');
});

test('a regular expression that takes exponential time elsewhere is decided in linear time', async () => {
  assert.equal(await evaluate('$contains(json.c, /^(a+)+$/)', { c: `${text(50)}!` }), 'false');
  assert.equal(await evaluate('$contains(json.c, /(\\w+\\s?)+#$/)', { c: text(100_000) }), 'false');
});

test('a regular expression that has no linear time is refused with a reason when it is compiled', () => {
  for (const regex of ['(a)\\1', '(?=a)b', '(?!a)b', '(?<=a)b', '(?<n>a)\\k<n>', 'a{1001}'])
    assert.throws(() => compileExpression(`\${! $contains(json.c, /${regex}/) }`), {
      message: /the regular expression .* cannot be used: .*RE2/,
    });
});

test('regular expressions find what they find in JavaScript', async () => {
  const json = { c: 'ann@example.com, BOB@example.org\nx\u00e9\u{1f600}y' };
  const cases: [expression: string, value: unknown][] = [
    ['$match(json.c, /(\\w+)@(\\w+)\\.(com|net)?/).match', ['ann@example.com', 'BOB@example.']],
    ['$match(json.c, /(\\w+)@(\\w+)\\.(com|net)?/).index', [0, 17]],
    ['$match(json.c, /(\\w+)@/i)[1].groups', ['BOB']],
    ['$contains(json.c, /^x/)', false],
    ['$contains(json.c, /^x/m)', true],
    ['$contains(json.c, /bob/i)', true],
    ['$contains(json.c, /\\u00e9/)', true],
    ['$replace(json.c, /(\\w+)@(\\w+)/, "$2 at $1")', 'example at ann.com, example at BOB.org\nx\u00e9\u{1f600}y'],
    [
      '$replace(json.c, /[a-z]/, function($m){ $uppercase($m.match) }, 2)',
      'ANn@example.com, BOB@example.org\nx\u00e9\u{1f600}y',
    ],
    ['$split("a1b22c", /\\d+/)', ['a', 'b', 'c']],
    ['$substringAfter(json.c, "\u00e9")', '\u{1f600}y'],
    ['$match(json.c, /./)[$ = $][-1].match', 'y'],
  ];
  for (const [expression, value] of cases)
    assert.deepEqual(JSON.parse((await evaluate(expression, json)) ?? 'null'), value, expression);
  await assert.rejects(evaluate('$match(json.c, /x*/)', json), {
    code: 'TG_EXPRESSION_FAILED',
    message: /zero length/,
  });
});

/** Of keys that cannot be compared, which two are compared first depends on how one sorts. */
const SAME_MISTAKE: Readonly<Record<string, string>> = { T2007: 'T2008' };

/** JSONata as it is, and bounded. */
async function both(expression: string, json: unknown): Promise<[plain: unknown, bounded: unknown]> {
  const options = { sequence: LIMITS.items };
  const bounded = jsonata(expression, options);
  limit(bounded, options);
  const answer = async (compiled: jsonata.Expression) =>
    JSON.stringify(
      await compiled.evaluate(structuredClone(json)).catch(({ code }: { code: string }) => SAME_MISTAKE[code] ?? code),
    );
  return [await answer(jsonata(expression)), await answer(bounded)];
}

const SAME = [
  '*',
  '*.*',
  'l.*',
  '*[0]',
  '*{ $string(): 1 }',
  '$count(*)',
  '$spread($)',
  '$spread(l)',
  '$spread("x")',
  '$distinct(l)',
  '$distinct([l, l, [1, 2], [1, 2], [2, 1], {"a": 1, "b": 2}, {"b": 2, "a": 1}, "1", 1, true, null])',
  '$distinct(l.*)',
  '$sort(n)',
  '$sort(s)',
  '$sort(l)',
  '$sort([])',
  '$sort(n, function($a, $b){ $a > $b })',
  '$sort(l, function($a, $b){ $string($a) > $string($b) })',
  'l^(a)',
  'l[a > 0]^(a)',
  'l[a > 0]^(>a, $string(b))',
  'l^(missing)',
  'l^(>a)',
  'l[a > 0]{ "all": a^($) }',
  'l[a > 0]{ "all": a^(>$)[0] }',
  'n^($)',
  'n^(>$)',
  'n^(-$)[0]',
  'n^($)[$ > 0]',
  'l[a > 0]^(a).b',
  'l[a > 0]^(a)[0].b',
  'l[a = 1]^(a).a',
  'l^(a)[-1]',
  'l[a > 0]^(a){ $string(a): $count($) }',
  '[n, 3]^($)',
  '[3, 1, 2]^(>$)',
  'missing^(a)',
  '$reverse(n)^($)[0]',
  '(n)^($)',
  '($x := n; $x^($))',
  'l.b^($)',
  'l.(b^($))',
  'l^(b)',
  's^($uppercase($))',
  '$count(l[a > 0]^(a))',
  '[l[a = 2]^(a)]',
  'l[a > 0][]^(a)',
  'l[a > 0]#$i^(a).{ "i": $i }',
  'n^($)^(>$)',
  's[0]^($)',
  '$^(n)',
  'l.b.{ "v": $ }^(v)',
  's & n[0] & missing & true & null',
  '(s & "x")[0] & ("y" & s)',
  's[0] & l',
  '$string(null) & $string([null])',
  '"a" & ("b" & ("c" & "d"))',
  '$map(s, $uppercase)',
  '$map(s, $pad(?, 5, "-"))',
  '$reduce(n, $append)',
  '$reduce(n, function($a, $b){ $a & $b })',
  's[0] ~> $uppercase ~> $trim',
  '$ ~> |l|{"z": 1}|',
  '$split("a,b,c", ",", 2)',
  '$split("a,b,c", ",")',
  '$split(s[0], "")',
  '$pad("x", -5, "ab")',
  '$pad(missing, 3)',
  '$join(s, n[0] > 0 ? "-" : "")',
  '$join(missing)',
  '$replace(s[0], "a", "b")',
  '$toMillis("2024-01-02", "[Y]-[M]-[D]")',
  '$fromMillis(1e12, "[Y0001]-[M01]-[D01]")',
  '$formatInteger(12, "w") & $formatNumber(1234.5, "#,##0.00")',
  '$base64decode($base64encode(s[0]))',
  'l{a: $count($)}',
  '[1..5].($ & "")',
];

test('bounded functions give what those of JSONata give', async () => {
  const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', ''), fc.boolean());
  const shape = fc.record({
    l: fc.array(fc.oneof(fc.record({ a: scalar, b: fc.array(scalar) }), fc.array(scalar))),
    n: fc.array(fc.integer({ min: -5, max: 5 })),
    s: fc.array(fc.constantFrom('a', 'b', 'ab c')),
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SAME), shape, async (expression, json) => {
      const [plain, bounded] = await both(expression, json);
      assert.equal(bounded, plain);
    }),
    { numRuns: 300 },
  );
  for (const expression of SAME) {
    const json = { l: [{ a: 2, b: ['x'] }, { a: 1 }, [3, 4], { a: 1 }], n: [3, 1, 2, 1], s: ['b', 'a'] };
    const [plain, bounded] = await both(expression, json);
    assert.equal(bounded, plain, expression);
  }
});

test('$eval is off at run time too', async () => {
  const [plain, bounded] = await both('$eval("1 + 1")', {});
  assert.deepEqual([plain, bounded], ['2', '"T1006"']);
});

test('the loop turns while a long expression is evaluated', async (t) => {
  let turns = 0;
  const counting = setInterval(() => {
    turns += 1;
  }, 1);
  t.after(() => clearInterval(counting));
  await evaluate('$count($map([1..10000], function($i){ $i + 1 }))', {});
  assert.notEqual(turns, 0);
});

test('each message has a budget of its own', async () => {
  const upper = compileExpression('${! $contains($uppercase(json.c), "b") }');
  const message = of({ c: text(10_000_000) });
  for (let made = 0; made <= LIMITS.texts; made += 10_000_000) assert.equal(await upper.evaluateJson(message), 'false');
});

test('a budget counts the steps', () => {
  const budget = new Budget();
  for (let step = 0; step < LIMITS.steps; step += 1) budget.step();
  assert.throws(() => budget.step(), overLimit(/takes more than 1500000 steps/));
});

test('a budget knows how deep an evaluation is', () => {
  const budget = new Budget();
  budget.step(LIMITS.depth);
  assert.throws(() => budget.step(LIMITS.depth + 1), overLimit(/more than 25000 evaluations deep/));
});

test('a budget counts the characters of each text and of all', () => {
  const budget = new Budget();
  assert.throws(() => budget.write(LIMITS.text + 1), overLimit(/a text of more than 16777216 characters/));
  for (let made = 0; made < LIMITS.texts; made += LIMITS.text) budget.write(LIMITS.text);
  assert.throws(() => budget.write(1), overLimit(/texts of more than 67108864 characters in all/));
});

test('a match counts as a step', () => {
  const budget = new Budget();
  const regex = new LinearRegex(/b/g, budget);
  for (let step = 0; step < LIMITS.steps; step += 1) budget.step();
  assert.throws(() => regex.exec('a'), overLimit(/takes more than 1500000 steps/));
});

test('a budget counts the time of the processor in this evaluation, not pauses and not turns of the loop', (t) => {
  let now = 0;
  let used = 0;
  t.mock.method(performance, 'now', () => now);
  t.mock.method(process, 'cpuUsage', (before?: NodeJS.CpuUsage) => ({
    user: used * 1_000 - (before?.user ?? 0),
    system: 0,
  }));
  const budget = new Budget();
  const run = (passed: number, ofProcessor: number) => {
    now += passed;
    used += ofProcessor;
    for (let step = 0; step < 16; step += 1) budget.step();
  };
  run(19, 19);
  assert.equal(budget.isTurnDue, false);
  run(60_000, 60_000); // Before the first slice there is no figure of the processor: 100 ms.
  assert.equal(budget.isTurnDue, true);
  run(60_000, 450);
  now += 5_000;
  used += 5_000;
  budget.turned();
  assert.equal(budget.isTurnDue, false);
  run(450, 2_000);
  assert.throws(() => run(20, 20), overLimit(/takes more than 1000 ms/));
});

test('the time of a long match counts', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => (now += 90));
  t.mock.method(process, 'cpuUsage', (before?: object) => ({ user: before === undefined ? 0 : 90_000, system: 0 }));
  const regex = new LinearRegex(/b/g, new Budget());
  const matching = (length: number) => () => {
    for (let match = 0; match < 12; match += 1) regex.exec(text(length));
  };
  matching(1_000)();
  assert.throws(matching(1_001), overLimit(/takes more than 1000 ms/));
});

test('a mistake of JSONata is quoted in part', async () => {
  const failure = (error: unknown) => {
    assert.ok(error instanceof TidegateError && error.code === 'TG_EXPRESSION_FAILED');
    assert.ok(error.message.length < 500, `${error.message.length}`);
    return true;
  };
  await assert.rejects(evaluate('json.c + 1', { c: text(100_000) }), failure);
  await assert.rejects(evaluate('$error(json.c)', { c: text(100_000) }), failure);
});
