import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidegateError } from '../../src/core/errors.ts';
import { ExactNumber, parseExact, writeJson } from '../../src/core/exact-number.ts';
import { decodeAvro } from '../../src/pipelines/formats/avro/decode.ts';
import { encodeAvro } from '../../src/pipelines/formats/avro/encode.ts';
import { parseAvro } from '../../src/pipelines/formats/avro/schema.ts';
import { fromBase64, toBase64 } from '../../src/pipelines/formats/base/base64.ts';
import { decodeCsv, encodeCsv } from '../../src/pipelines/formats/csv.ts';
import { decodeMsgpack } from '../../src/pipelines/formats/msgpack/decode.ts';
import { encodeMsgpack } from '../../src/pipelines/formats/msgpack/encode.ts';
import { decodeProtobuf } from '../../src/pipelines/formats/protobuf/decode.ts';
import { encodeProtobuf } from '../../src/pipelines/formats/protobuf/encode.ts';
import { parseProto } from '../../src/pipelines/formats/protobuf/schema.ts';

const LIMIT = 262_144;
const AVRO = { json: 'plain', times: 'text', limit: LIMIT } as const;
const PROTOBUF = { names: 'json', defaults: false, limit: LIMIT } as const;

/** What JSON has, with integers of 64 bits. A text that UTF-8 cannot hold is none that a message has. */
const text = fc.string({ unit: 'binary', maxLength: 8 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const exact = (value: bigint) => parseExact(String(value));
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -1, ''),
    text,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(exact),
    fc.integer().map((value) => value / 8),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(text, tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

interface AvroCase {
  readonly schema: unknown;
  readonly value: fc.Arbitrary<unknown>;
}

/** Schemas with what fits them. `path` makes the names of records different. */
function avroCase(depth: number, path: string): fc.Arbitrary<AvroCase> {
  const leaf = fc.constantFrom<AvroCase>(
    { schema: 'long', value: int64.map(exact) },
    { schema: 'int', value: fc.integer() },
    { schema: 'double', value: double },
    { schema: 'string', value: text },
    { schema: 'boolean', value: fc.boolean() },
    { schema: 'bytes', value: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')) },
    {
      schema: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 4 },
      value: int64.map((whole) => exact(whole)),
    },
    { schema: ['null', 'string', 'long'], value: fc.oneof(fc.constant(null), text, int64.map(exact)) },
  );
  if (depth === 0) return leaf;
  const inner = fc.oneof(leaf, avroCase(depth - 1, `${path}a`));
  return fc.oneof(
    inner.map(({ schema, value }) => ({
      schema: { type: 'array', items: schema },
      value: fc.array(value, { maxLength: 4 }),
    })),
    inner.map(({ schema, value }) => ({
      schema: { type: 'map', values: schema },
      value: fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true }),
    })),
    fc.array(fc.oneof(leaf, avroCase(depth - 1, `${path}b`)), { maxLength: 3 }).chain((cases) => {
      // Records with one name would be one type.
      const records = cases.filter(({ schema }) => JSON.stringify(schema).includes('record'));
      const some = records.length > 1 ? cases.filter((one) => one !== records[0]).slice(0, 1) : cases;
      const fields = some.map(({ schema }, index) => ({ name: `f${index}`, type: schema }));
      const value = fc.record(Object.fromEntries(some.map((one, index) => [`f${index}`, one.value])), {
        noNullPrototype: true,
      });
      return fc.constant({ schema: { type: 'record', name: `R${path}`, fields }, value });
    }),
  );
}

/** Numbers of a decimal have the digits of its scale: values are compared and not their texts. */
const same = (value: unknown): unknown =>
  JSON.parse(
    (writeJson(value) ?? 'null').replace(/("(?:[^"\\]|\\.)*")|(-?\d+)\.0+(?=[,\]}]|$)/g, (all, quoted, whole) =>
      quoted === undefined ? whole : all,
    ),
    (_, inner: unknown) => inner,
  );
const digits = (bytes: Buffer) => writeJson(parseExact(bytes.toString()));

test('decode gives what encode was given, of Avro with random schemas', () => {
  fc.assert(
    fc.property(
      avroCase(3, '').chain(({ schema, value }) => fc.tuple(fc.constant(schema), value)),
      ([schema, value]) => {
        const type = parseAvro(JSON.stringify(schema));
        const back = decodeAvro(encodeAvro(value, type, 'plain', LIMIT), type, AVRO);
        assert.deepEqual(same(parseExact(back.toString())), same(value));
        const again = encodeAvro(parseExact(back.toString()), type, 'plain', LIMIT);
        assert.deepEqual(again, encodeAvro(value, type, 'plain', LIMIT), 'and the same bytes, so every digit');
      },
    ),
    { numRuns: 500 },
  );
});

test('decode gives what encode was given, of MessagePack', () => {
  fc.assert(
    fc.property(json, (value) => {
      assert.equal(digits(decodeMsgpack(encodeMsgpack(value, LIMIT), LIMIT)), writeJson(value));
    }),
    { numRuns: 1_000 },
  );
});

const order = parseProto({
  text: `syntax = "proto3"; message Order { int64 id = 1; uint64 u = 2; sint64 s = 3; fixed64 x = 4; double d = 5; string t = 6; bytes b = 7;
    repeated sint32 r = 8; map<string, int64> m = 9; Order o = 10; optional bool f = 11; repeated Order many = 12; }`,
  imports: new Map(),
}).message();
const { message } = fc.letrec<{ message: Record<string, unknown> }>((tie) => ({
  message: fc.record(
    {
      id: int64.filter((value) => value !== 0n).map(String),
      u: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
      s: int64.filter((value) => value !== 0n).map(String),
      x: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
      d: double.filter((value) => value !== 0),
      t: text.filter((value) => value !== ''),
      b: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      r: fc.array(fc.integer(), { minLength: 1, maxLength: 4 }),
      m: fc.dictionary(text, int64.map(String), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      o: fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('message')),
      f: fc.boolean(),
      many: fc.array(fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('message')), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
}));

test('decode gives what encode was given, of Protobuf', () => {
  fc.assert(
    fc.property(message, (value) => {
      assert.deepEqual(
        JSON.parse(decodeProtobuf(encodeProtobuf(value, order, LIMIT), order, PROTOBUF).toString()),
        value,
      );
    }),
    { numRuns: 500 },
  );
});

test('decode gives what encode was given, of CSV and Base64', () => {
  const form = { delimiter: ';', header: true, columns: ['a', 'b'] };
  const cell = fc.oneof(text, fc.constantFrom('"', ';', '\r\n', '\n', '\uFEFF', ' '));
  fc.assert(
    fc.property(fc.array(fc.record({ a: cell, b: cell }, { noNullPrototype: true })), (rows) => {
      assert.deepEqual(JSON.parse(decodeCsv(encodeCsv(rows, form, LIMIT), form, LIMIT).toString()), rows);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom('standard' as const, 'url' as const), (bytes, alphabet) => {
      assert.deepEqual([...fromBase64(toBase64(Buffer.from(bytes), alphabet), alphabet)], [...bytes]);
    }),
  );
});

test('random bytes give JSON within the limit or fail, and never take long', () => {
  const type = parseAvro(
    JSON.stringify({
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: ['null', 'long', { type: 'array', items: ['null', 'R'] }] },
        { name: 'b', type: { type: 'map', values: { type: 'array', items: 'null' } } },
        { name: 'c', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
        { name: 'd', type: { type: 'long', logicalType: 'timestamp-micros' } },
      ],
    }),
  );
  const decoders: readonly ((bytes: Buffer) => Buffer)[] = [
    (bytes) => decodeAvro(bytes, type, AVRO),
    (bytes) => decodeProtobuf(bytes, order, { ...PROTOBUF, defaults: true }),
    (bytes) => decodeMsgpack(bytes, LIMIT),
    (bytes) => decodeCsv(bytes, { delimiter: ',', header: true }, LIMIT),
    (bytes) => fromBase64(bytes.toString('latin1'), 'standard'),
  ];
  // Small numbers are lengths, tags and types more often than what is drawn evenly.
  const byte = fc.oneof(fc.nat(255), fc.nat(12), fc.constantFrom(0x7f, 0x80, 0x91, 0xc1, 0xdd, 0xff));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), fc.constantFrom(...decoders), (bytes, decode) => {
      const begin = performance.now();
      try {
        const decoded = decode(Buffer.from(bytes));
        assert.ok(decoded.length <= LIMIT);
        if (decode !== decoders[4]) JSON.parse(decoded.toString());
      } catch (error) {
        assert.ok(error instanceof TidegateError && error.code === 'TG_MESSAGE_INVALID', String(error));
      }
      assert.ok(performance.now() - begin < 5_000);
    }),
    { numRuns: 3_000 },
  );
});

test('what is drawn holds integers above 2^53', () => {
  assert.ok(fc.sample(json, 500).some((value) => value instanceof ExactNumber));
});
