import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { compileExpression, textOfValue } from '../../../src/sdk/expression.ts';
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
    headers: { h: 'v' },
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
  const message = of({}, { headers: { tenant: Buffer.from('acmé') } });
  assert.equal(evaluate('${! headers.tenant }', message), 'acmé');
  assert.equal(await evaluate("${! headers.tenant = 'acmé' }", message), true);
  assert.equal(await evaluate('${! $uppercase(headers.tenant) }', message), 'ACMÉ');
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

test('an expression with text around it gives text, and no value gives nothing', async () => {
  const message = of({ id: 7, o: { a: 1 } });
  assert.equal(evaluate('user-${! json.id }-${! json.x }.', message), 'user-7-.');
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
    ['${! json.a + }', /is no JSONata expression/],
  ];
  for (const [text, reason] of wrong) assert.throws(() => compileExpression(text), reason, text);
});

test('a payload that is no JSON fails the expression that reads it, with a code', async () => {
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
test('a failure that nobody waits for, since another expression failed first, does not end the process', async () => {
  const message = of('no json');
  assert.throws(() => evaluate('${! json.a + 1 }-${! json.b }', message), TidegateError);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

test('text for a key or header: numbers and booleans are written out, null and undefined are no value', () => {
  const expression = compileExpression('${! json.a }');
  const texts = ['a', '', 0, 12.5, true, null, undefined].map((value) => textOfValue(value, expression));
  assert.deepEqual(texts, ['a', '', '0', '12.5', 'true', undefined, undefined]);
});

test('an object or a list as key is an error that names the expression', () => {
  const expression = compileExpression('${! json.a }');
  for (const value of [{}, [1]]) {
    assert.throws(
      () => textOfValue(value, expression),
      (error: unknown) =>
        error instanceof TidegateError &&
        error.code === 'TG_EXPRESSION_FAILED' &&
        error.message.includes('${! json.a }'),
    );
  }
});
