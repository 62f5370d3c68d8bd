import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { validate } from '../../../src/pipelines/processors/validate.ts';
import { fakeContext } from './parts.ts';

const make = (config: unknown) => validate.create(validate.config.parse(config), fakeContext().context);

/** What is wrong with the payload; undefined where it passes. */
function mistakesOf(config: unknown, payload: string): string | undefined {
  const message = new Message(Buffer.from(payload));
  try {
    assert.equal(make(config).process(message), message);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof TidegateError && error.code === 'TG_MESSAGE_INVALID', String(error));
    return error.message.replace('the payload does not fit its schema: ', '');
  }
}

const refusal = (config: unknown): string | undefined => validate.config.safeParse(config).error?.issues[0]?.message;

test('every mistake has its place; an unknown field and a value that is none of several say which', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: { kind: { enum: ['buy', 'sell'] }, 'a/b': { const: 1 }, at: { type: 'string', format: 'date-time' } },
  };
  assert.equal(
    mistakesOf({ schema }, '{"kind":"hold","x":1,"a/b":2,"at":"now"}'),
    '/ must have required property \'id\'; / must NOT have additional properties: x; /kind must be equal to one of the allowed values: ["buy","sell"]; /a~1b must be equal to constant: 1; /at must match format "date-time"',
  );
});

test('an error names ten mistakes at most, with 200 characters of each', () => {
  const schema = { items: { type: 'integer' } };
  const text = mistakesOf({ schema }, JSON.stringify(new Array<string>(13).fill('x'))) ?? '';
  assert.equal(text.split('; ').length, 11);
  assert.match(text, /\/9 must be integer; and 3 more$/);
  const long = mistakesOf({ schema: { additionalProperties: false } }, `{"${'n'.repeat(10_000)}":1}`) ?? '';
  assert.equal(long.length, 203);
});

test('what passes is the message itself, whatever its numbers are', () => {
  const schema = { properties: { id: { type: 'integer' } } };
  assert.equal(mistakesOf({ schema }, '{"id": 12345678901234567890}'), undefined);
  assert.equal(mistakesOf({ schema }, '{"id": 1.5}'), '/id must be integer');
});

test('a schema may be of draft 07 or 2019-09, and refer to itself', () => {
  const draft7 = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { n: { type: 'number' } },
    $ref: '#/definitions/n',
  };
  assert.equal(mistakesOf({ schema: draft7 }, '"x"'), '/ must be number');
  const draft19 = { $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } };
  assert.match(mistakesOf({ schema: draft19 }, '{"a":1}') ?? '', /must have property b when property a is present/);
});

test('a pattern that would take for ever elsewhere takes no time, and one with look-around is refused', () => {
  const schema = { type: 'string', pattern: '^(a+)+$' };
  const begun = performance.now();
  assert.match(mistakesOf({ schema }, JSON.stringify(`${'a'.repeat(20_000)}!`)) ?? '', /must match pattern/);
  assert.ok(performance.now() - begun < 5_000);
  assert.match(refusal({ schema: { pattern: '(?=a)b' } }) ?? '', /^the schema cannot be used: the regular expression/);
});

test('a schema in a file is read, and what is wrong with it is said', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-schema-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return { file: join(folder, name) };
  };
  assert.equal(mistakesOf(file('good.json', '{"type":"number"}'), '"x"'), '/ must be number');
  assert.match(refusal(file('bad.json', '{')) ?? '', /^the schema .*bad\.json is not JSON: /);
  assert.match(refusal(file('list.json', '3')) ?? '', /list\.json is not a JSON object$/);
  assert.match(refusal({ file: join(folder, 'none.json') }) ?? '', /none\.json cannot be read: ENOENT/);
});

test('a schema that cannot be used is a mistake of the settings', () => {
  for (const [schema, why] of [
    [{ type: 'text' }, /^the schema cannot be used: /],
    [{ propertys: {} }, /unknown keyword: "propertys"/],
    [{ $ref: 'https://example.org/other.json' }, /can't resolve reference/],
    [
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /not a draft that is known; there are 2020-12, 2019-09 and draft-07/,
    ],
  ] as const)
    assert.match(refusal({ schema }) ?? '', why);
  assert.equal(refusal({}), 'give either schema or file');
  assert.equal(refusal({ schema: {}, file: 'x' }), 'give either schema or file');
});

test('equal items are found in a long list at once, whatever the order of their fields', () => {
  const schema = { type: 'array', uniqueItems: true };
  assert.equal(mistakesOf({ schema }, '[{"a":1,"b":[2]},{"b":[2],"a":1.0}]'), '/ must NOT have duplicate items');
  assert.equal(mistakesOf({ schema }, '[{"a":1},{"a":"1"},[["a",1]],[],{},1,"1",true,null,{"fields":[]}]'), undefined);
  const many = Array.from({ length: 50_000 }, (_, id) => ({ id }));
  const begun = performance.now();
  assert.equal(mistakesOf({ schema }, JSON.stringify(many)), undefined);
  assert.ok(performance.now() - begun < 5_000);
});

test('of a large payload the first mistake is named, and one that is nested too deeply fails', () => {
  const schema = {
    $ref: '#/$defs/n',
    $defs: { n: { items: { type: 'integer' }, properties: { a: { $ref: '#/$defs/n' } } } },
  };
  assert.equal(mistakesOf({ schema }, JSON.stringify(new Array<string>(50_000).fill('x'))), '/0 must be integer');
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  assert.equal(mistakesOf({ schema }, deep), 'the payload is nested too deeply for its schema');
});

test('what every object of JavaScript has is no field of a payload', () => {
  assert.equal(mistakesOf({ schema: { properties: { constructor: { type: 'string' } } } }, '{}'), undefined);
  assert.equal(mistakesOf({ schema: { required: ['toString'] } }, '{}'), "/ must have required property 'toString'");
  assert.equal(mistakesOf({ schema: { required: ['toString'] } }, '{"toString":1}'), undefined);
});

test('the format url takes time that grows with the length of the text alone', () => {
  const schema = { format: 'url' };
  const mistake = '/ must match format "url"';
  for (const url of ['http://a.org', 'https://ada:secret@a.example.org:8080/b?c=d#e', 'ftp://x@y@a-b.org/@:'])
    assert.equal(mistakesOf({ schema }, JSON.stringify(url)), undefined, url);
  for (const url of ['a.org', 'http://a', 'http://10.0.0.1/', 'http://@a.org', 'http://a.org/ b'])
    assert.equal(mistakesOf({ schema }, JSON.stringify(url)), mistake, url);
  // Of the processor, which others may use as well.
  const begin = process.cpuUsage();
  for (const part of ['a:http:', '@a.bb/', 'a:', '@', 'a-', 'a.', '@a.'])
    for (const end of ['', ' '])
      mistakesOf({ schema }, JSON.stringify(`http://${part.repeat(200_000 / part.length)}${end}`));
  const { user } = process.cpuUsage(begin);
  assert.ok(user < 3_000_000, `${user} us`);
});

test('a schema that refers to itself tells its branches apart at each level, others name all mistakes', () => {
  const kind = (name: string) => ({
    type: 'object',
    required: ['kind'],
    properties: { kind: { const: name }, of: { $ref: '#/$defs/a' } },
  });
  const a = { oneOf: [kind('not'), kind('minus'), { type: 'number' }] };
  const schema = { $defs: { a }, $ref: '#/$defs/a' };
  const payload = (last: string) => `${'{"kind":"minus","of":'.repeat(100)}${last}${'}'.repeat(100)}`;
  const begin = performance.now();
  for (const last of ['1', '"x"']) assert.equal(mistakesOf({ schema }, payload(last)) === undefined, last === '1');
  assert.ok(performance.now() - begin < 2_000);
  const plain = {
    $defs: { n: { type: 'number' } },
    properties: { x: { $ref: '#/$defs/n' }, y: { $ref: '#/$defs/n' } },
  };
  assert.equal(mistakesOf({ schema: plain }, '{"x":"","y":""}'), '/x must be number; /y must be number');
});
