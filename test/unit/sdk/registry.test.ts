import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, TidegateError } from '../../../src/core/errors.ts';
import type { ComponentSpec } from '../../../src/sdk/define.ts';
import { defineOperator, defineProcessor, defineSink, z } from '../../../src/sdk/index.ts';
import { Registry } from '../../../src/sdk/registry.ts';

const processor = (name: string, changes: object = {}) =>
  defineProcessor({
    name,
    summary: 'Does nothing.',
    config: z.strictObject({ n: z.number() }),
    examples: [{ n: 1 }],
    create: () => ({ process: (message) => message }),
    ...changes,
  });

const refused =
  (reason: RegExp, code: ErrorCode = 'TG_PLUGIN_INVALID') =>
  (error: unknown) =>
    error instanceof TidegateError &&
    error.code === code &&
    error.message.startsWith('./my.mjs: ') &&
    reason.test(error.message);

test('a component is found by kind and name', () => {
  const registry = new Registry();
  const spec = processor('trim');
  registry.add(spec, 'tidegate');
  assert.equal(registry.find('processor', 'trim'), spec);
  assert.equal(registry.find('sink', 'trim'), undefined);
  assert.deepEqual(registry.all('processor'), [spec]);
  assert.deepEqual(registry.all('sink'), []);
});

test('two components of a kind cannot share a name, and the error names both origins', () => {
  const registry = new Registry();
  registry.add(processor('trim'), 'tidegate');
  assert.throws(
    () => registry.add(processor('trim'), './my.mjs'),
    refused(/a processor "trim" already, from tidegate; choose another name$/, 'TG_PLUGIN_NAME_TAKEN'),
  );
});

test('a source or sink may have the name of a processor, an operator may not', () => {
  const registry = new Registry();
  registry.add(processor('window'), 'tidegate');
  const sink = defineSink({
    name: 'window',
    summary: 'A sink.',
    config: z.string(),
    examples: ['a'],
    reaches: 'records',
    create: () => {
      throw new Error('never made');
    },
  });
  registry.add(sink, './my.mjs');
  assert.equal(registry.find('sink', 'window'), sink);
  const operator = defineOperator({
    name: 'window',
    summary: 'An operator.',
    config: z.strictObject({}),
    examples: [],
    stateful: true,
    create: () => ({ apply: (batches$) => batches$ }),
  });
  assert.throws(
    () => registry.add(operator, './my.mjs'),
    refused(/an? operator "window" already/, 'TG_PLUGIN_NAME_TAKEN'),
  );
});

const broken: readonly (readonly [string, unknown, RegExp])[] = [
  ['nothing', undefined, /made by defineSource/],
  ['a function', () => {}, /made by defineSource/],
  ['an object without create', { kind: 'processor', name: 'x' }, /made by defineSource/],
  ['an object without kind', { ...processor('x'), kind: undefined }, /made by defineSource/],
  ['another kind', { ...processor('x'), kind: 'gadget' }, /made by defineSource/],
  ['no name', processor('x', { name: undefined }), /name "undefined" must be/],
  ['upper case', processor('Trim'), /name "Trim" must be lower case/],
  ['a hyphen', processor('my-trim'), /name "my-trim" must be lower case/],
  ['a digit in front', processor('9lives'), /begin with a letter/],
  ['no summary', processor('x', { summary: '' }), /processor "x" has no summary/],
  ['no schema', processor('x', { config: {} }), /processor "x" has no zod schema/],
  ['examples that are no list', processor('x', { examples: { n: 1 } }), /processor "x": its examples are not a list$/],
  ['needs that are no list', processor('x', { needs: 'follow' }), /processor "x": its needs are not a list$/],
  [
    'a port that its kind does not get',
    processor('x', { needs: ['follow', 'dial'] }),
    /processor "x" needs "dial", which a processor does not get; there are follow$/,
  ],
  [
    'needs of a codec',
    { ...processor('x'), kind: 'codec', needs: ['topic'] },
    /codec "x" needs "topic", which a codec does not get; a codec is a pure function and needs nothing$/,
  ],
  ['a word of the configuration as its name', processor('timeout'), /"timeout" is a word of the configuration/],
];

test('a component with an example that does not fit its schema is refused, with the number of the example', () => {
  const spec = processor('x', { examples: [{ n: 1 }, { n: 'a' }] });
  assert.throws(
    () => new Registry().add(spec, './my.mjs'),
    refused(/processor "x": example 1 does not fit its own schema: .*number/, 'TG_PLUGIN_EXAMPLE_INVALID'),
  );
});

for (const [what, spec, reason] of broken) {
  test(`a component with ${what} is refused, naming origin and rule`, () => {
    assert.throws(() => new Registry().add(spec as ComponentSpec, './my.mjs'), refused(reason));
  });
}
