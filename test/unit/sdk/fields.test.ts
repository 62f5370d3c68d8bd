import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { field, type z } from '../../../src/sdk/index.ts';

const issuesOf = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];

test('numbers, ports and switches take what the environment filled in as text', () => {
  assert.equal(field.integer().parse('8080'), 8080);
  assert.equal(field.port().parse(' 9090 '), 9090);
  assert.equal(field.number({ min: 0, max: 1 }).parse('0.25'), 0.25);
  assert.deepEqual([field.boolean().parse('true'), field.boolean().parse('false')], [true, false]);
  assert.deepEqual([field.boolean().parse(true), field.integer().parse(3)], [true, 3]);
});

test('what is not a number in range is refused with the range in words', () => {
  assert.deepEqual(issuesOf(field.integer({ min: 1, max: 9 }), 'x'), ['expected a whole number from 1 to 9']);
  assert.deepEqual(issuesOf(field.integer({ min: 1, max: 9 }), '10'), ['expected at most 9']);
  assert.deepEqual(issuesOf(field.integer({ min: 1 }), 0), ['expected at least 1']);
  assert.deepEqual(issuesOf(field.number({ min: 0, max: 1 }), 2), ['expected at most 1']);
  for (const value of ['', '1.5', true, null, [], '0x1G']) assert.equal(issuesOf(field.integer(), value).length, 1);
  assert.deepEqual(issuesOf(field.boolean(), 'yes'), ['expected true or false']);
  assert.equal(issuesOf(field.port(), 65_536).length, 1);
});

test('durations become milliseconds and sizes bytes', () => {
  assert.equal(field.duration().parse('1m'), 60_000);
  assert.equal(field.size().parse('64KiB'), 65_536);
});

test('a duration or size without a unit is refused with examples', () => {
  assert.deepEqual(issuesOf(field.duration(), '5'), ['"5" is not a duration; use 5ms, 10s, 1m or 1h']);
  assert.deepEqual(issuesOf(field.size(), '1 MiB'), ['"1 MiB" is not a size; use 500B, 64KiB or 1MiB']);
  assert.deepEqual(issuesOf(field.duration(), 5), ['expected a duration such as 5ms, 10s or 1m']);
});

test('a list is a list, or one text with commas as a variable has it', () => {
  assert.deepEqual(field.list().parse(['a', 'b,c']), ['a', 'b,c']);
  assert.deepEqual(field.list().parse(' a , b,,'), ['a', 'b']);
  assert.deepEqual(field.list().parse(''), []);
});

test('an expression is compiled, and its mistake is the issue', () => {
  const message = new Message(Buffer.from('{"a":1}'));
  assert.equal(field.expression().parse('${! json.a }').evaluate(message), 1);
  assert.match(issuesOf(field.expression(), '${! nope.a }')[0] ?? '', /begins with nope/);
  assert.equal(issuesOf(field.expression(), 5).length, 1);
});
