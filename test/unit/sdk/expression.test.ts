import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { compileCondition, compileExpression } from '../../../src/sdk/expression.ts';
import { FUNCTIONS } from '../../../src/sdk/jsonata-checks.ts';
import { LITERAL_MARK } from '../../../src/sdk/literal.ts';

const of = (payload: unknown, init: MessageInit = {}) =>
  new Message(Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), init);

const evaluate = (text: string, message: Message) => compileExpression(text).evaluate(message);

test('a text without an expression is a constant', () => {
  assert.equal(evaluate('plain {text} $ {!', of('')), 'plain {text} $ {!');
  assert.equal(evaluate('', of('')), '');
});

test('a dotted path answers at once with the value as it is', () => {
  const message = of({ a: { b: [1, 2], 'with-hyphen': true }, n: 0 });
  assert.deepEqual(evaluate('${! json.a.b }', message), [1, 2]);
  assert.equal(evaluate('${!json.a.with-hyphen}', message), true);
  assert.equal(evaluate('${! json.n }', message), 0);
});

test('every root of a message can be read', () => {
  const message = of('{"a":1}', {
    key: Buffer.from('k'),
    headers: [['h', 'v']],
    meta: { client_id: 'c', auth: { sub: 'ann' } },
    timestamp: 5,
    topic: 't',
    partition: 0,
    offset: 9,
  });
  const roots = ['json.a', 'text', 'key', 'headers.h', 'meta.client_id', 'topic', 'partition', 'offset', 'timestamp'];
  const values = [...roots, 'auth.sub'].map((root) => evaluate(`\${! ${root} }`, message));
  assert.deepEqual(values, [1, '{"a":1}', 'k', 'v', 'c', 't', 0, 9, 5, 'ann']);
});

test('what is not there is no value', () => {
  const message = of({ a: null, s: 'text' });
  for (const path of ['json.x', 'json.a.b', 'json.s.length', 'json.toString', 'key', 'headers.h', 'topic', 'partition'])
    assert.equal(evaluate(`\${! ${path} }`, message), undefined, path);
  assert.equal(evaluate('${! offset }', message), undefined);
  assert.equal(evaluate('${! auth.sub }', message), undefined);
});

test('what is not there is no value for JSONata either', async () => {
  assert.equal(await evaluate('${! json.x ? json.x : key }', of({})), undefined);
});

test('a header that came as bytes is read as text, by path and by JSONata', async () => {
  const message = of({}, { headers: [['tenant', Buffer.from('acmé')]] });
  assert.equal(evaluate('${! headers.tenant }', message), 'acmé');
  assert.equal(await evaluate("${! headers.tenant = 'acmé' }", message), true);
  assert.equal(await evaluate('${! $uppercase(headers.tenant) }', message), 'ACMÉ');
});

test('headers has the last one of each name, headers_all has all in their order', async () => {
  const message = of(
    {},
    {
      headers: [
        ['retry', '1'],
        ['z', null],
        ['retry', Buffer.from('2')],
        ['retry', null],
        ['one', 'x'],
        ['z', 'é'],
      ],
    },
  );
  const cases: [expression: string, value: unknown][] = [
    ['headers.z', 'é'],
    ['headers.retry', null],
    ['headers_all.retry', ['1', '2', null]],
    ['headers_all.one', ['x']],
    ['headers_all.none', undefined],
  ];
  for (const [expression, value] of cases) {
    assert.deepEqual(evaluate(`\${! ${expression} }`, message), value, expression);
    assert.deepEqual(await evaluate(`\${! (${expression}) }`, message), value, expression);
  }
  assert.equal(await evaluate('${! $count(headers_all.retry) }', message), 3);
  assert.equal(await evaluate('${! headers_all.retry[0] }', message), '1');
  assert.equal(evaluate('${! headers }', of({})), undefined);
  assert.equal(evaluate('${! headers_all }', of({})), undefined);
});

test('headers may be called as something that every object has, and change no other object', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const message = of({}, { headers: names.map((name) => [name, `own ${name}`] as const) });
  for (const name of names) {
    assert.equal(evaluate(`\${! headers.${name} }`, message), `own ${name}`);
    assert.equal(await evaluate(`\${! (headers.${name}) }`, message), `own ${name}`);
    assert.deepEqual(evaluate(`\${! headers_all.${name} }`, message), [`own ${name}`]);
    assert.deepEqual(await evaluate(`\${! (headers_all.${name}) }`, message), [`own ${name}`]);
    for (const root of ['headers', 'headers_all']) {
      const other = of({}, { headers: [['a', 'b']] });
      assert.equal(evaluate(`\${! ${root}.${name} }`, other), undefined);
      assert.equal(await evaluate(`\${! (${root}.${name}) }`, other), undefined);
    }
  }
  const all = evaluate('${! headers }', of({}, { headers: [['__proto__', 'x']] }));
  assert.equal(JSON.stringify(all), '{"__proto__":"x"}');
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
});

test('anything else is JSONata, over the same roots', async () => {
  const message = of({ price: 2, qty: 3, tags: ['a', 'b'] }, { key: 'k' });
  assert.equal(await evaluate('${! json.price * json.qty }', message), 6);
  const made = await evaluate('${! { "total": json.price + 1, "of": key } }', message);
  assert.equal(JSON.stringify(made), '{"total":3,"of":"k"}');
  assert.equal(await evaluate('${! json.tags[1] }', message), 'b');
});

test('braces and quotes inside an expression nest', async () => {
  const message = of({ a: 1 });
  assert.equal(JSON.stringify(await evaluate('${! {"x": {"y": json.a}} }', message)), '{"x":{"y":1}}');
  assert.equal(await evaluate('${! "}" & \'{\' }', message), '}{');
  assert.equal(await evaluate('${! "a \\" } b" }', message), 'a " } b');
  assert.equal(await evaluate('<${! "}" }${! json.a }>', message), '<}1>');
});

test('an expression with text around it gives text, and no value where one of its values is missing', async () => {
  const message = of({ id: 7, o: { a: 1 }, n: null });
  assert.equal(evaluate('user-${! json.id }.', message), 'user-7.');
  for (const missing of ['json.x', 'json.n', 'key', 'headers.h', 'json.x ? 1']) {
    const expression = compileExpression(`user-\${! json.id }-\${! ${missing} }`);
    assert.equal(await expression.evaluate(message), undefined, missing);
    assert.equal(await expression.evaluateText(message), undefined, missing);
    assert.equal(await expression.evaluateJson(message), undefined, missing);
  }
  assert.equal(evaluate('${! json.o }!', message), '{"a":1}!');
  assert.equal(await evaluate('${! json.id }/${! json.id + 1 }', message), '7/8');
});

test('a marked ${! is text and no expression', () => {
  const text = `$${LITERAL_MARK}{! json.a }`;
  assert.equal(evaluate(text, of({ a: 1 })), '${! json.a }');
  assert.equal(evaluate(`${text} \${! json.a }`, of({ a: 1 })), '${! json.a } 1');
});

test('mistakes in an expression are found when it is compiled, and named', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['${! }', /is empty/],
    ['${! json.a', /has no \} that closes/],
    ['${! "never closed }', /has no \} that closes/],
    ['${! payload.a }', /begins with payload; a message has json, text, key/],
    ['${! json.a + }', /is not a JSONata expression: .*end of expression/i],
  ];
  for (const [text, reason] of wrong) assert.throws(() => compileExpression(text), reason, text);
});

test('a payload that is not JSON fails the expression that reads it, with a code', async () => {
  const message = of('no json');
  const failure = (error: unknown) =>
    error instanceof TidegateError &&
    error.code === 'TG_EXPRESSION_FAILED' &&
    error.next === 'reject' &&
    /not JSON/.test(error.message);
  assert.throws(() => evaluate('${! json.a }', message), failure);
  await assert.rejects(async () => evaluate('${! json.a + 1 }', message), failure);
  assert.equal(await evaluate('${! $length(text) }', message), 7);
});

test('an expression that fails for a message says which one', async () => {
  await assert.rejects(
    async () => evaluate('${! json.a + 1 }', of({ a: 'x' })),
    (error: unknown) =>
      error instanceof TidegateError && error.code === 'TG_EXPRESSION_FAILED' && error.message.includes('json.a + 1'),
  );
});

// The test runner fails a test during which a rejection stays unhandled; the gateway would end.
test('a failure that no caller waits for, since another expression failed first, does not end the process', async () => {
  const message = of('no json');
  assert.throws(() => evaluate('${! json.a + 1 }-${! json.b }', message), TidegateError);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

test('text for a key or header: numbers and booleans are written out, null and undefined are no value', async () => {
  for (const source of ['${! json.a }', '${! (json.a) }']) {
    const expression = compileExpression(source);
    const texts = [{ a: 'a' }, { a: '' }, { a: 0 }, { a: 12.5 }, { a: true }, { a: null }, {}].map((payload) =>
      expression.evaluateText(of(payload)),
    );
    assert.deepEqual(await Promise.all(texts), ['a', '', '0', '12.5', 'true', undefined, undefined], source);
  }
});

test('an object or a list as key is an error that names the expression', () => {
  const expression = compileExpression('${! json.a }');
  for (const value of [{}, [1]]) {
    assert.throws(
      () => expression.evaluateText(of({ a: value })),
      (error: unknown) =>
        error instanceof TidegateError &&
        error.code === 'TG_EXPRESSION_FAILED' &&
        error.message.includes('${! json.a }'),
    );
  }
});

const IDS = '{"id":8389766145050669871,"price":1.10,"at":1764394292123456,"list":[1.10, 8389766145050669870]}';

test('a path passes numbers on with the digits that came', () => {
  const text = (source: string) => compileExpression(source).evaluateText(of(IDS));
  assert.equal(text('${! json.id }'), '8389766145050669871');
  assert.equal(text('order-${! json.id }/${! json.price }'), 'order-8389766145050669871/1.10');
  assert.equal(text('${! json.list }!'), '[1.10, 8389766145050669870]!');
  assert.equal(compileExpression('${! json }').evaluateJson(of(IDS)), IDS);
  assert.equal(compileExpression('${! json.list }').evaluateJson(of(IDS)), '[1.10, 8389766145050669870]');
  assert.equal(compileExpression('${! json.a }${! json.b }').evaluateJson(of({ a: '', b: '' })), '""');
});

test('a number that a double would change is never computed with, and is passed on by JSONata as it came', async () => {
  const json = (source: string) => compileExpression(source).evaluateJson(of(IDS));
  const made = await json('${! { "order": json.id, "twice": json.price * 2 } }');
  assert.equal(made, '{"order":8389766145050669871,"twice":2.2}');
  assert.equal(await evaluate('${! json.id = json.list[1] }', of(IDS)), false);
  assert.equal(await evaluate('${! json.at > 1764394292123455 }', of(IDS)), true);
  for (const source of [
    'json.id + 1',
    'json.id > 5',
    "'order-' & json.id",
    '$string(json)',
    '$sum(json.list)',
    '-json.id',
  ])
    await assert.rejects(
      async () => evaluate(`\${! ${source} }`, of(IDS)),
      (error: unknown) => error instanceof TidegateError && error.code === 'TG_EXPRESSION_FAILED',
      source,
    );
  assert.ok(evaluate('${! json.id }', of(IDS)) instanceof ExactNumber);
  assert.throws(() => compileExpression('${! json.id = 8389766145050669871 }'), /669871, which JSONata would round/);
});

test('a record without a value has no json and no text', async () => {
  const message = of('', { meta: { tombstone: true }, key: 'k' });
  for (const source of ['json.op', 'json', 'text', "json.op = 'u' ? 1", '$uppercase(text)'])
    assert.equal(await evaluate(`\${! ${source} }`, message), undefined, source);
  assert.equal(await evaluate("${! json.op = 'u' }", message), false);
  assert.equal(await evaluate('${! meta.tombstone }', message), true);
});

test('what JSONata throws is reported in its own words', async () => {
  await assert.rejects(
    async () => evaluate("${! $number('x') }", of({})),
    (error: unknown) =>
      error instanceof TidegateError && /^\$number\('x'\): Unable to cast value to a number/.test(error.message),
  );
});

test('what would never have a value is a mistake when it is compiled', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['$eval(json.a)', /uses \$eval, which is switched off: it would run text of messages as an expression/],
    ['$lenght(json.a) > 1', /uses \$lenght, but JSONata has no such function/],
    ['length(json.a) > 1', /the function is \$length/],
    ['jsn.a = 1', /reads jsn; a message has json, text/],
    ['json.list[$missing = 1]', /uses \$missing/],
    ['$eval(json.code)', /uses \$eval/],
    ['json.order-id = 5', /reads id; .*needs backquotes/],
  ];
  for (const [source, reason] of wrong) assert.throws(() => compileExpression(`\${! ${source} }`), reason, source);
});

test('names within a path, a predicate or a function are not those of the message', () => {
  for (const source of [
    'json.items[price > 1].name',
    '$map(json.items, function($item) { $item.name })',
    '($total := $sum(json.items.price); $total > 1)',
    'json.items@$i.price',
    'json.items#$n.price',
    '$filter(json.items, function($v, $k) { $v.price > $k })',
    'json.items^(price).name',
    'json.items{ name: price }',
    '$$.json.a and $.json.b',
  ])
    assert.doesNotThrow(() => compileExpression(`\${! ${source} }`), source);
});

const doubts = (source: string) =>
  compileExpression(`\${! ${source} }`).doubts.map(({ severity, message }) => `${severity}: ${message}`);

test('a comparison that is false for a missing value is doubted, unless the expression asks for it', () => {
  const trap = doubts('json.type and json.bot != true')[0] ?? '';
  assert.match(trap, /^warning: json.bot != true is false if json.bot is missing.*\$not\(json.bot = true\)/);
  for (const source of [
    'meta.tombstone != true',
    "key != 'a'",
    "$lowercase(json.a) != 'b'",
    'json.items[p != 1]',
    'json.items[0].x != 2',
    '$filter(json.items, function($i) { $i.bot != true })',
    'json.`a b` != 1',
  ])
    assert.match(doubts(source).join(), /is false if .* is missing/, source);
  assert.match(doubts('json.items[0].x != 2')[0] ?? '', /json\.items\[\.\.\.\]\.x != 2/);
  assert.match(doubts('json.`a b` != 1')[0] ?? '', /\$not\(json\.`a b` = 1\)/);
  for (const source of [
    '$exists(json.bot) and json.bot != true',
    "meta.client_id != 'a'",
    'partition != 0',
    "'a' != 'b'",
    'json.a = 1',
  ])
    assert.deepEqual(doubts(source), [], source);
});

test('a negation that has no value where something is missing is doubted', async () => {
  for (const source of [
    '$not(meta.tombstone)',
    '$not(json.bot)',
    '$not(json.price > 5)',
    "$not($contains(json.s, 'x'))",
  ]) {
    assert.match(
      doubts(source).join(),
      /^warning: \$not\(.*has no value if .* is missing, and no value means false/,
      source,
    );
    assert.equal(await evaluate(`\${! ${source} }`, of({})), undefined, source);
  }
  assert.match(doubts('$not(json.bot)')[0] ?? '', /write \$not\(json.bot = true\)/);
  for (const source of [
    '$not(json.bot = true)',
    '$not(json.a and json.b)',
    '$not($exists(json.a))',
    '$not(json.a in [1])',
  ])
    assert.deepEqual(doubts(source), [], source);
});

test('text that is joined where something is missing is worth a note', () => {
  assert.match(doubts("'sym-' & json.sym")[0] ?? '', /^note: & joins an empty text if json.sym is missing/);
  assert.match(doubts("$string(json.a) & 'x'")[0] ?? '', /^note: & joins an empty text if json.a is missing/);
});

test('numbers that a double cannot hold are distinguished, found, and turned into text and back', async () => {
  const message = of(
    '{"id":8389766145050669871,"ids":[8389766145050669871],"t":"8389766145050669871","u":"8389766145050669870"}',
  );
  const all: readonly (readonly [string, unknown])[] = [
    ['json.id in json.ids', true],
    ['$number(json.t) = $number(json.u)', false],
    ['$number(json.t) = json.id', true],
    ["$string(json.id) = '8389766145050669871'", true],
    ['json.id ? 1 : 2', 1],
    ["$number('0x10') + $number(true) + $number('1.5')", 18.5],
    ['$string(0.1 + 0.2)', '0.3'],
    ['$string({ "a": [1, true, null] })', '{"a":[1,true,null]}'],
    ['$string(json.none)', undefined],
  ];
  for (const [source, expected] of all) assert.equal(await evaluate(`\${! ${source} }`, message), expected, source);
  assert.equal(await compileExpression('${! $number(json.t) }').evaluateJson(message), '8389766145050669871');
  for (const source of ['json.id + 1', 'json.id > 5', '$sum(json.ids)', '$round(json.id)', "'o-' & json.id"])
    await assert.rejects(
      async () => evaluate(`\${! ${source} }`, message),
      /the number 8389766145050669871 is not computed with/,
      source,
    );
  await assert.rejects(
    async () => evaluate("${! $number('0xffffffffffffffff') }", message),
    /0xffffffffffffffff is not/,
  );
});

test('what has no text and no JSON fails with its expression, instead of becoming null', async () => {
  for (const source of ['1/0', '$sum', 'function($x) { $x }'])
    await assert.rejects(
      async () => compileExpression(`\${! ${source} }`).evaluateJson(of({})),
      (error: unknown) => error instanceof TidegateError && error.message.startsWith(`${source} gives`),
      source,
    );
});

test('paths that an expression reads are known', () => {
  const { reads } = compileExpression('${! meta.user }-${! $uppercase(headers.h) & json.items[0].id }');
  assert.deepEqual(reads, [
    { path: ['meta', 'user'], isWithinText: true },
    { path: ['headers', 'h'], isWithinText: true },
    { path: ['json', 'items', 'id'], isWithinText: true },
  ]);
});

test('a condition without an expression would be true for everything', () => {
  assert.throws(() => compileCondition('json.a = 1'), /"json.a = 1" is true for everything/);
});

test('the functions that are known are those that JSONata has', () => {
  const source = readFileSync(createRequire(import.meta.url).resolve('jsonata/jsonata.js'), 'utf8');
  const bound = [...source.matchAll(/staticFrame\.bind\('(\w+)'/g)].map(([, name]) => name);
  assert.deepEqual(new Set([...bound, 'now', 'millis']), new Set([...FUNCTIONS, 'eval']));
});
