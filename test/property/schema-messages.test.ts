import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parse } from 'yaml';
import { SchemaCheck } from '../../src/sdk/schema-check.ts';
import { brokenPayloads } from '../../src/testing/forall/invalid.ts';
import { arbitraryOfSchema } from '../../src/testing/forall/json-schema/arbitrary-of-schema.ts';

const RUNS = Number(process.env.RUNS ?? 200);
const EXAMPLES = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../config/examples/' : '../../config/examples/', import.meta.url),
);

/** Schemas by what they show. */
const CORPUS: Readonly<Record<string, object>> = {
  'an order': {
    type: 'object',
    required: ['id', 'total', 'items'],
    properties: {
      id: { type: 'integer', minimum: 1 },
      total: { type: 'number', minimum: 0, multipleOf: 0.01 },
      email: { type: 'string', format: 'email' },
      items: { type: 'array', minItems: 1, maxItems: 3, items: { $ref: '#/$defs/item' } },
      tags: { type: 'array', items: { enum: ['a', 'b', 'c'] }, uniqueItems: true },
    },
    additionalProperties: false,
    $defs: {
      item: { type: 'object', required: ['sku'], properties: { sku: { type: 'string', pattern: '^[A-Z]{2}\\d{3}$' } } },
    },
  },
  'a tree': {
    type: 'object',
    required: ['v'],
    properties: { v: { type: 'integer' }, below: { type: 'array', items: { $ref: '#' } } },
  },
  'one of two': {
    oneOf: [
      { type: 'integer', multipleOf: 3 },
      { type: 'integer', multipleOf: 5 },
    ],
  },
  'any of two': { anyOf: [{ type: 'string', minLength: 2, maxLength: 4 }, { type: 'null' }] },
  'all of two': {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
      { properties: { a: { maximum: 5 }, b: { type: ['string', 'null'] } }, required: ['b'] },
    ],
  },
  'a closed object, and another one': {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false },
      { properties: { a: true, b: { type: 'integer' } } },
    ],
  },
  'a condition': {
    type: 'object',
    required: ['kind'],
    properties: { kind: { enum: ['card', 'cash'] }, number: { type: 'string' } },
    if: { properties: { kind: { const: 'card' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['number'] },
    else: { properties: { number: false } },
  },
  'not a text': { not: { type: 'string' } },
  'limits of numbers': { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
  'a step beyond 32 bits': { type: 'integer', minimum: 2 ** 40, multipleOf: 7 },
  'two steps': { allOf: [{ type: 'integer', multipleOf: 4 }, { multipleOf: 6 }] },
  tenths: { type: 'number', multipleOf: 0.1, minimum: -1, maximum: 1 },
  'lengths count characters': { type: 'string', minLength: 3, maxLength: 3 },
  'a pattern and a length': { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
  'a pair': { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], items: false, minItems: 2 },
  'a pair as draft-07 says it': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'array',
    items: [{ type: 'integer' }, { type: 'boolean' }],
    additionalItems: { type: 'null' },
    minItems: 3,
  },
  'it contains a five': { type: 'array', items: { type: 'integer' }, contains: { const: 5 }, minItems: 2 },
  'fields by a pattern': {
    type: 'object',
    patternProperties: { '^x-': { type: 'integer' } },
    additionalProperties: false,
  },
  'fields of any name': {
    type: 'object',
    additionalProperties: { type: 'integer' },
    minProperties: 2,
    propertyNames: { pattern: '^[a-z]+$' },
  },
  'required without a description': { type: 'object', required: ['a', 'b'] },
  'a name with a slash': { type: 'object', required: ['a/b'], properties: { 'a/b': { type: 'integer' } } },
  'fields that need others': {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
    dependentRequired: { a: ['b'] },
    maxProperties: 2,
  },
  'a nullable text': { type: 'string', nullable: true, maxLength: 3 },
  'two definitions through each other': {
    $ref: '#/definitions/a',
    definitions: {
      a: { type: 'object', properties: { b: { $ref: '#/definitions/b' } } },
      b: {
        type: 'object',
        required: ['list'],
        properties: { list: { type: 'array', items: { $ref: '#/definitions/a' } } },
      },
    },
  },
  'one of several references': {
    oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
    $defs: {
      a: { type: 'object', required: ['a'], properties: { a: { const: 1 } } },
      b: { type: 'object', required: ['b'], properties: { b: { not: { type: 'string' } } } },
    },
  },
  anything: {},
  ...Object.fromEntries(
    'date-time date time duration email uuid uri uri-reference hostname ipv4 ipv6 json-pointer regex byte'
      .split(' ')
      .map((format) => [`the format ${format}`, { type: 'string', format }]),
  ),
};

function schemasOfExamples(): [string, object][] {
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) =>
      schemasWithin(parse(readFileSync(`${EXAMPLES}${name}`, 'utf8'))).map((schema, at): [string, object] => [
        `${name}, schema ${at + 1}`,
        schema,
      ]),
    );
}

function schemasWithin(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'validate' && typeof inner.schema === 'object' ? [inner.schema as object] : schemasWithin(inner),
  );
}

const asRead = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

suite('messages of a JSON Schema', () => {
  const examples = schemasOfExamples();

  test('the examples have schemas', () => {
    assert.ok(examples.length >= 3, `${examples.length} schemas`);
  });

  for (const [name, schema] of [...Object.entries(CORPUS), ...examples]) {
    test(`fit it: ${name}`, () => {
      const check = new SchemaCheck(schema);
      fc.assert(
        fc.property(arbitraryOfSchema(schema), (value) => {
          assert.deepEqual(asRead(value), value, 'as JSON writes and reads it');
          assert.equal(check.mistakesIn(value, false), undefined, JSON.stringify(value));
        }),
        { numRuns: RUNS },
      );
    });

    test(`fit it while they shrink: ${name}`, () => {
      const check = new SchemaCheck(schema);
      const tried: unknown[] = [];
      fc.check(
        fc.property(arbitraryOfSchema(schema), (value) => {
          tried.push(value);
          return tried.length < 20 || JSON.stringify(value).length < 4;
        }),
        { numRuns: 50 },
      );
      assert.ok(tried.length > 0);
      for (const value of tried) assert.equal(check.mistakesIn(asRead(value), true), undefined, JSON.stringify(value));
    });

    test(`break it if they are to: ${name}`, () => {
      const check = new SchemaCheck(schema);
      fc.assert(
        fc.property(brokenPayloads(arbitraryOfSchema(schema), check), (broken) => {
          if ('json' in broken) assert.ok(check.mistakesIn(asRead(broken.json), true) !== undefined);
          else assert.throws(() => JSON.parse(broken.text), SyntaxError, broken.text);
        }),
        { numRuns: RUNS },
      );
    });
  }

  test('have all types, branches and optional fields that the schema allows', () => {
    const schema = {
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: ['a', 'b'] }, more: { anyOf: [{ type: 'integer' }, { type: ['null', 'boolean'] }] } },
    };
    const seen = new Set<string>();
    for (const value of fc.sample(arbitraryOfSchema(schema), { numRuns: 300, seed: 1 }) as Record<string, unknown>[])
      seen.add(`${value.kind} ${'more' in value ? (value.more === null ? 'null' : typeof value.more) : 'none'}`);
    const all = ['none', 'number', 'null', 'boolean'].flatMap((more) => [`a ${more}`, `b ${more}`]);
    assert.deepEqual([...seen].sort(), all.sort());
  });

  test('shrink to the smallest one that fails', () => {
    const schema = {
      type: 'object',
      required: ['total', 'note'],
      properties: { total: { type: 'integer' }, note: { type: 'string' }, more: { type: 'boolean' } },
    };
    const details = fc.check(
      fc.property(arbitraryOfSchema(schema), (value) => (value as { total: number }).total > -5),
      { seed: 4, numRuns: 1_000 },
    );
    assert.deepEqual(details.counterexample, [{ total: -5, note: '' }]);
  });
});
