import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { TidegateError } from '../../../../src/core/errors.ts';
import { parseExact } from '../../../../src/core/exact-number.ts';
import { decodeAvro } from '../../../../src/pipelines/formats/avro/decode.ts';
import { encodeAvro } from '../../../../src/pipelines/formats/avro/encode.ts';
import { parseAvro } from '../../../../src/pipelines/formats/avro/schema.ts';

const MIB = 1_048_576;
const record = (...fields: object[]) => ({ type: 'record', name: 'R', namespace: 'n', fields });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });

interface Form {
  readonly json?: 'plain' | 'avro';
  readonly times?: 'text' | 'number';
  readonly limit?: number;
}

const typeOf = (schema: unknown, references: readonly unknown[] = []) =>
  parseAvro(
    JSON.stringify(schema),
    references.map((one) => JSON.stringify(one)),
  );
const write = (schema: unknown, json: string, form: Form = {}) =>
  encodeAvro(parseExact(json), typeOf(schema), form.json ?? 'plain', form.limit ?? MIB);
const read = (schema: unknown, bytes: Buffer, { json = 'plain', times = 'text', limit = MIB }: Form = {}) =>
  decodeAvro(bytes, typeOf(schema), { json, times, limit }).toString();

function invalid(what: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof TidegateError, String(error));
    assert.equal(error.code, 'TG_MESSAGE_INVALID');
    assert.match(error.message, what);
    return true;
  };
}

/** A schema, and JSON that is the same after it was written and read. */
const SAME: readonly (readonly [schema: unknown, ...json: string[]])[] = [
  ['null', 'null'],
  ['boolean', 'true', 'false'],
  ['int', '0', '-1', '2147483647', '-2147483648'],
  ['long', '9007199254740993', '-9223372036854775808', '9223372036854775807', '64', '-65'],
  ['float', '0.1', '1.5', '100000000000', '"NaN"', '"-Infinity"', '16777216'],
  ['double', '0.1', '1e-7', '1e+21', '9223372036854775808', '"Infinity"', '-0'],
  ['string', '"Ada"', '""', '"\u00fc\ud83d\ude00"'],
  ['bytes', '"AAECAw=="', '""'],
  [{ type: 'fixed', name: 'F', size: 2 }, '"AAE="'],
  [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, '"B"'],
  [{ type: 'array', items: 'long' }, '[]', '[1,2,9007199254740993]'],
  [{ type: 'map', values: 'string' }, '{}', '{"a":"b","__proto__":"c"}'],
  [['null', 'string', 'long'], 'null', '"x"', '9007199254740993'],
  [record(field('a', 'long'), field('next', ['null', 'R'])), '{"a":1,"next":{"a":2,"next":null}}'],
  [
    ['null', { ...record(field('a', 'long')), name: 'A' }, { ...record(field('b', 'long')), name: 'B' }],
    '{"b":1}',
    '{"a":1}',
  ],
  [
    { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 },
    '12.50',
    '-0.01',
    '123456789012345678.90',
    '0.00',
  ],
  [
    { type: 'fixed', name: 'D', size: 9, logicalType: 'decimal', precision: 20, scale: 0 },
    '-1',
    '99999999999999999999',
  ],
  [{ type: 'int', logicalType: 'date' }, '"2026-11-30"', '"1969-12-31"', '"0001-01-01"'],
  [{ type: 'int', logicalType: 'time-millis' }, '"06:48:01.123"', '86400000'],
  [{ type: 'long', logicalType: 'time-micros' }, '"23:59:59.999999"'],
  [
    { type: 'long', logicalType: 'timestamp-millis' },
    '"2026-11-30T06:48:01.123Z"',
    '"1969-12-31T23:59:59.999Z"',
    '9223372036854775807',
  ],
  [{ type: 'long', logicalType: 'timestamp-micros' }, '"2026-11-30T06:48:01.123456Z"', '"1969-12-31T23:59:59.999999Z"'],
  [{ type: 'long', logicalType: 'timestamp-nanos' }, '"2026-11-30T06:48:01.123456789Z"'],
  [{ type: 'long', logicalType: 'local-timestamp-millis' }, '"2026-11-30T06:48:01.123"'],
  [{ type: 'string', logicalType: 'uuid' }, '"0b9c5c1e-0000-4000-8000-000000000001"'],
  [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, '"0b9c5c1e-0000-4000-8000-000000000001"'],
  [{ type: 'fixed', name: 'P', size: 12, logicalType: 'duration' }, '{"months":1,"days":2,"milliseconds":4294967295}'],
];

test('what is written as Avro is read as the same JSON, with every digit', () => {
  for (const [schema, ...values] of SAME)
    for (const json of values) assert.equal(read(schema, write(schema, json)), json, JSON.stringify(schema));
});

test('the JSON encoding of the specification has the type around a value of a union, and no logical types', () => {
  const schema = record(
    field('u', ['null', 'string', 'n.R']),
    field('b', 'bytes'),
    field('at', { type: 'long', logicalType: 'timestamp-millis' }),
  );
  const json = '{"u":{"n.R":{"u":{"string":"x"},"b":"\\u0001","at":2}},"b":"\u00ff","at":1700000000000}';
  assert.equal(read(schema, write(schema, json, { json: 'avro' }), { json: 'avro' }), JSON.stringify(JSON.parse(json)));
  assert.throws(
    () => write(['null', 'string'], '{"string":"x","long":1}', { json: 'avro' }),
    invalid(/it is an object/),
  );
  const plain = read(schema, write(schema, json, { json: 'avro' }), { times: 'number' });
  assert.equal(plain, '{"u":{"u":"x","b":"AQ==","at":2},"b":"/w==","at":1700000000000}');
});

test('bytes are those of avsc, and avsc reads them', () => {
  const schema = record(
    field('id', 'long'),
    field('price', 'double'),
    field('rate', 'float'),
    field('tags', { type: 'array', items: 'string' }),
    field('more', { type: 'map', values: ['null', 'int'] }),
    field('kind', { type: 'enum', name: 'K', symbols: ['A', 'B'] }),
    field('raw', { type: 'fixed', name: 'X', size: 3 }),
    field('ok', 'boolean'),
  );
  const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true });
  const json =
    '{"id":-123456789012,"price":1.25,"rate":0.5,"tags":["a","\u00fc"],"more":{"x":{"int":-3},"y":null},"kind":"B","raw":"abc","ok":true}';
  const theirs = type.toBuffer(type.fromString(json));
  assert.deepEqual(write(schema, json, { json: 'avro' }), theirs);
  assert.equal(read(schema, theirs, { json: 'avro' }), json);
});

test('a default stands for a field that JSON leaves out, and null where it may be null', () => {
  const schema = record(
    field('a', 'long', { default: 7 }),
    field('b', ['string', 'null'], { default: 'x' }),
    field('c', ['null', 'string']),
    field('d', 'bytes', { default: '\u00ff' }),
    field('e', { ...record(field('f', 'int', { default: 1 })), name: 'E' }, { default: {} }),
  );
  assert.equal(read(schema, write(schema, '{}')), '{"a":7,"b":"x","c":null,"d":"/w==","e":{"f":1}}');
});

test('what does not fit the schema fails with its place', () => {
  const order = record(
    field('id', 'long'),
    field('items', {
      type: 'array',
      items: {
        ...record(field('price', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 })),
        name: 'I',
      },
    }),
  );
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[]', /^it is a list, and not the record "?n\.R/],
    ['{"id":1}', /^it has no items$/],
    ['{"id":1.5,"items":[]}', /^\/id is 1\.5, and not of the type long$/],
    ['{"id":9223372036854775808,"items":[]}', /^\/id is 9223372036854775808, and not of the type long$/],
    [
      '{"id":1,"items":[{"price":1.00},{"price":1.005}]}',
      /^\/items\/1\/price is 1\.005, and not of the type bytes \(decimal\)$/,
    ],
    ['{"id":1,"items":[{"price":100}]}', /^\/items\/0\/price is 100, /],
    ['{"id":1,"items":[],"note":2}', /^it has the field note, which n\.R has not$/],
  ];
  for (const [json, what] of cases) assert.throws(() => write(order, json), invalid(what), json);
  assert.throws(() => write('double', '9007199254740993'), invalid(/9007199254740993/));
  assert.throws(() => write('float', '16777217'), invalid(/16777217/));
  assert.throws(() => write('float', '1e39'), invalid(/1e\+39/));
  const time = { type: 'long', logicalType: 'timestamp-millis' };
  for (const text of ['"2026-02-30T00:00:00Z"', '"2026-11-30T06:48:01.1234Z"', '"now"', '"2026-11-30T06:48:01"'])
    assert.throws(() => write(time, text), invalid(/and not of the type long/), text);
  assert.equal(read(time, write(time, '"2026-11-30T08:48:01+02:00"')), '"2026-11-30T06:48:01.000Z"');
});

test('bytes that are no value of the schema fail', () => {
  const cases: readonly (readonly [unknown, number[], RegExp])[] = [
    ['long', [], /ends within a value/],
    ['long', [0x80], /ends within a value/],
    ['long', new Array(11).fill(0x80), /more than ten bytes/],
    ['int', [0x80, 0x80, 0x80, 0x80, 0x20], /is not an int/],
    ['string', [0x08, 0x41], /ends within a value/],
    ['string', [0x01], /ends within a value/],
    ['string', [0x02, 0xff], /is not UTF-8/],
    ['boolean', [2], /neither true nor false/],
    [['null', 'long'], [4], /there is no type of the union 2/],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, [1], /there is no symbol -1/],
    ['null', [0], /1 bytes follow its value/],
  ];
  for (const [schema, bytes, what] of cases)
    assert.throws(() => read(schema, Buffer.from(bytes)), invalid(what), JSON.stringify(schema));
});

test('a few bytes that stand for two billion values end at the limit', () => {
  const many = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 0]);
  for (const items of ['null', { type: 'record', name: 'N', fields: [] }])
    assert.throws(() => read({ type: 'array', items }, many, { limit: 65_536 }), invalid(/more than 65536 bytes/));
  const endless = record(field('r', 'R'));
  assert.throws(() => read(endless, Buffer.alloc(4)), invalid(/nested more than 100 levels/));
  const list = record(field('next', ['null', 'R']));
  assert.throws(() => read(list, Buffer.alloc(1_000, 2)), invalid(/nested more than 100 levels/));
  assert.throws(() => write('string', `"${'x'.repeat(100)}"`, { limit: 50 }), invalid(/more than 50 bytes/));
  const deep = `${'{"next":'.repeat(5_000)}null${'}'.repeat(5_000)}`;
  assert.throws(() => write(list, deep), invalid(/nested more than 100 levels/));
});

test('unions of records are chosen by their fields alone, however deep and ambiguous', () => {
  const branch = (name: string, more: object[]) => ({
    type: 'record',
    name,
    fields: [field('next', ['null', 'A', 'B']), ...more],
  });
  const schema = [
    'null',
    { ...branch('A', []), fields: [field('next', ['null', 'A', branch('B', [field('x', ['null', 'int'])])])] },
  ];
  const deep = `${'{"next":'.repeat(60)}{"next":7}${'}'.repeat(60)}`;
  const begin = performance.now();
  assert.throws(() => write(schema, deep), invalid(/and not one of/));
  assert.ok(performance.now() - begin < 2_000);
});

test('schemas with mistakes are refused with what is wrong', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['strin', /has no type strin/],
    [{ type: 'record', name: 'R' }, /a record R without fields/],
    [{ type: 'record', name: '1', fields: [] }, /has a type "1"/],
    [record(field('a', 'int'), field('a', 'int')), /two fields n\.R\.a/],
    [record(field('a', 'int', { default: 'x' })), /default of n\.R\.a that cannot be used/],
    [record(field('r', 'R', { default: {} })), /default of n\.R\.r that cannot be used/],
    [['int', 'int'], /two branches of one type/],
    [['int', ['long']], /a union within a union/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'A'] }, /different symbols/],
    [{ type: 'fixed', name: 'F', size: 1e9 }, /without a size/],
    [[record(), record()], /two types n\.R/],
    [7, /has 7 where a type is due/],
  ];
  for (const [schema, what] of cases) assert.throws(() => typeOf(schema), what, JSON.stringify(schema));
  assert.throws(() => parseAvro('{'), /is not JSON/);
  let deep: unknown = 'int';
  for (let level = 0; level < 200; level += 1) deep = { type: 'array', items: deep };
  assert.throws(() => typeOf(deep), /nested more than 100 levels/);
});

test('a schema may use the names of others', () => {
  const type = typeOf(record(field('c', 'other.C')), [
    { type: 'record', name: 'C', namespace: 'other', fields: [field('x', 'int')] },
  ]);
  const bytes = encodeAvro({ c: { x: 1 } }, type, 'plain', MIB);
  assert.equal(decodeAvro(bytes, type, { json: 'plain', times: 'text', limit: MIB }).toString(), '{"c":{"x":1}}');
});
