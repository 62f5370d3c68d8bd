import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder } from '@msgpack/msgpack';
import { TidegateError } from '../../../../src/core/errors.ts';
import { parseExact } from '../../../../src/core/exact-number.ts';
import { fromBase64, toBase64 } from '../../../../src/pipelines/formats/base/base64.ts';
import { decodeCsv, encodeCsv } from '../../../../src/pipelines/formats/csv.ts';
import { decodeJson } from '../../../../src/pipelines/formats/json.ts';
import { decodeMsgpack } from '../../../../src/pipelines/formats/msgpack/decode.ts';
import { encodeMsgpack } from '../../../../src/pipelines/formats/msgpack/encode.ts';

const MIB = 1_048_576;

function invalid(what: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof TidegateError, String(error));
    assert.equal(error.code, 'TG_MESSAGE_INVALID');
    assert.match(error.message, what);
    return true;
  };
}

const pack = (json: string, limit = MIB) => encodeMsgpack(parseExact(json), limit);
const unpack = (bytes: Buffer, limit = MIB) => decodeMsgpack(bytes, limit).toString();

test('what is written as MessagePack is read as the same JSON, in bytes that @msgpack/msgpack reads', () => {
  const theirs = new Decoder({ useBigInt64: true });
  const long = 'x'.repeat(70_000);
  const integers = [
    '0',
    '127',
    '128',
    '255',
    '256',
    '65535',
    '65536',
    '4294967295',
    '4294967296',
    '18446744073709551615',
  ];
  const negative = [
    '-1',
    '-32',
    '-33',
    '-128',
    '-129',
    '-32768',
    '-32769',
    '-2147483648',
    '-2147483649',
    '-9223372036854775808',
  ];
  for (const json of [...integers, ...negative]) {
    assert.equal(unpack(pack(json)), json);
    assert.equal(String(theirs.decode(pack(json))), json);
  }
  const list = `[${new Array(70_000).fill('1').join(',')}]`;
  for (const json of [
    'null',
    'true',
    '1.5',
    '1e+21',
    '1e-7',
    '"\u00fc"',
    `"${long}"`,
    `"${'y'.repeat(200)}"`,
    '{"a":[{}],"__proto__":1}',
    list,
    '-0',
  ])
    assert.ok(unpack(pack(json)) === json, json.slice(0, 40));
  assert.throws(() => pack('123456789012345678901'), invalid(/has no number for 123456789012345678901/));
  assert.equal(unpack(pack('36893488147419103232')), '36893488147419103232', 'a double holds this power of two');
});

test('bytes, extensions, timestamps and keys that are numbers have a form in JSON', () => {
  const value = { raw: new Uint8Array([0, 1]), at: new Date('2026-11-30T06:48:01.123Z'), old: new Date(-1) };
  const bytes = Buffer.from(new Encoder().encode(value));
  assert.equal(unpack(bytes), '{"raw":"AAE=","at":"2026-11-30T06:48:01.123Z","old":"1969-12-31T23:59:59.999Z"}');
  assert.equal(unpack(Buffer.from([0xd6, 0xff, 0, 0, 0, 1])), '"1970-01-01T00:00:01Z"');
  assert.equal(unpack(Buffer.from([0xd4, 5, 7])), '{"type":5,"data":"Bw=="}');
  assert.equal(unpack(Buffer.from([0x82, 1, 2, 0xff, 3])), '{"1":2,"-1":3}');
  assert.equal(unpack(Buffer.from([0xca, 0x3d, 0xcc, 0xcc, 0xcd])), '0.1');
});

test('bytes that are no MessagePack fail, and bombs end at the limit', () => {
  const cases: readonly (readonly [number[], RegExp])[] = [
    [[], /ends within a value/],
    [[0xc1], /0xc1 at 0 means nothing/],
    [[0xdd, 0xff, 0xff, 0xff, 0xff], /ends within a value/],
    [[0xdb, 0xff, 0xff, 0xff, 0xff], /ends within a value/],
    [[0x81, 0xc0, 1], /neither a text nor an integer/],
    [[0xd4, 0xff, 1], /a timestamp of 1 bytes/],
    [[0xa1, 0xff], /is not UTF-8/],
    [[1, 2], /1 bytes follow its value/],
    [new Array(5_000).fill(0x91), /nested more than 100 levels/],
  ];
  for (const [bytes, what] of cases)
    assert.throws(() => unpack(Buffer.from(bytes)), invalid(what), String(bytes.slice(0, 9)));
  const many = Buffer.concat([Buffer.from([0xdc, 0xff, 0xff]), Buffer.alloc(65_535, 0xc2)]);
  assert.throws(() => unpack(many, 1_000), invalid(/more than 1000 bytes/));
  assert.throws(() => pack('"12345678901234567890"', 10), invalid(/more than 10 bytes/));
  assert.throws(() => pack(`${'['.repeat(5_000)}${']'.repeat(5_000)}`), invalid(/nested more than 100 levels/));
});

const csv = { delimiter: ',', header: true };
const rows = (text: string, form: object = {}, limit = MIB) =>
  decodeCsv(Buffer.from(text), { ...csv, ...form }, limit).toString();
const sheet = (json: string, form: object = {}, limit = MIB) =>
  encodeCsv(parseExact(json), { ...csv, ...form }, limit).toString();

test('rows become a list by RFC 4180, with or without names', () => {
  assert.equal(
    rows('\uFEFFid,name\r\n1,"a ""b"", c\r\nd"\r\n\r\n2,\r\n'),
    '[{"id":"1","name":"a \\"b\\", c\\r\\nd"},{"id":"2","name":""}]',
  );
  assert.equal(rows('1;2\n3;""', { delimiter: ';', header: false }), '[["1","2"],["3",""]]');
  assert.equal(rows('x,y\n1,2', { columns: ['a', 'b'] }), '[{"a":"1","b":"2"}]');
  assert.equal(rows('1,2', { header: false, columns: ['a', '__proto__'] }), '[{"a":"1","__proto__":"2"}]');
  assert.equal(rows(''), '[]');
  assert.equal(rows('a,b'), '[]');
  assert.equal(rows(',\n', { header: false }), '[["",""]]');
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a,b\n1', /row 2 has 1 values, and there are 2 columns/],
    ['a,b\n1,"2', /row 2 has a quotation mark that is not closed/],
    ['a,b\n1,"2"3', /row 2 has text behind a closing quotation mark/],
    ['a,b\n1,2"3', /row 2 has a quotation mark within a value/],
    ['a,a\n1,2', /two columns have one name/],
  ];
  for (const [text, what] of cases) assert.throws(() => rows(text), invalid(what), text);
  assert.throws(() => decodeCsv(Buffer.from([0xff]), csv, MIB), invalid(/not UTF-8/));
  assert.throws(() => rows(`a_long_name\n${'1\n'.repeat(1_000)}`, {}, 5_000), invalid(/more than 5000 bytes/));
});

test('rows of a hundred thousand columns are read and written', () => {
  const columns = Array.from({ length: 100_000 }, (_, at) => `c${at}`);
  const text = `${columns.join(',')}\r\n${columns.join(',')}\r\n`;
  const json = rows(text, {}, 8 * MIB);
  assert.equal(sheet(json, {}, 8 * MIB), text);
});

test('lists and objects become rows, and every digit stays', () => {
  assert.equal(
    sheet('[{"id":9007199254740993,"name":"a \\"b\\",c"},{"name":null,"id":true}]'),
    'id,name\r\n9007199254740993,"a ""b"",c"\r\ntrue,\r\n',
  );
  assert.equal(sheet('{"a":1.5}', { header: false }), '1.5\r\n');
  assert.equal(sheet('[["a\\nb",""],[1,2]]', { delimiter: '\t' }), '"a\nb"\t\r\n1\t2\r\n');
  assert.equal(sheet('[{"a":""}]'), 'a\r\n""\r\n');
  assert.equal(sheet('[]'), '');
  assert.equal(sheet('[{"a":"x]y"}]', { delimiter: ']' }), 'a\r\n"x]y"\r\n');
  const cases: readonly (readonly [string, RegExp])[] = [
    ['7', /\/0 is not a row/],
    ['[{"a":1},{"b":2}]', /\/1 has the field b, which is not a column/],
    ['[{"a":[1]}]', /\/0\/a is an object or a list/],
    ['[[1,2],{"a":1}]', /\/1 is not a row/],
  ];
  for (const [json, what] of cases) assert.throws(() => sheet(json), invalid(what), json);
  assert.throws(() => sheet('[["12345678901"]]', {}, 10), invalid(/more than 10 bytes/));
});

test('Base64 is read with and without padding, and refused where it is not whole', () => {
  for (const text of ['aGVsbG8=', 'aGVsbG8']) assert.equal(fromBase64(text, 'standard').toString(), 'hello');
  assert.deepEqual([...fromBase64('-_8', 'url')], [0xfb, 0xff]);
  assert.equal(toBase64(Buffer.from([0xfb, 0xff]), 'url'), '-_8');
  assert.equal(toBase64(Buffer.from([0xfb, 0xff]), 'standard'), '+/8=');
  for (const text of ['a', 'aGVsb', 'aGVsbG8==', 'aG=VsbG8', '-_8', 'aGVs bG8=', 'aGVsbG8!', '==='])
    assert.throws(() => fromBase64(text, 'standard'), invalid(/not Base64 of the standard alphabet/), text);
  const begin = performance.now();
  assert.throws(() => fromBase64(`${'='.repeat(1_000_000)}x`, 'standard'), invalid(/not Base64/));
  assert.ok(performance.now() - begin < 2_000);
});

test('JSON loses its byte order mark and nothing else', () => {
  assert.equal(
    decodeJson(Buffer.from('\uFEFF{ "id": 9007199254740993 }'), MIB).toString(),
    '{ "id": 9007199254740993 }',
  );
  assert.throws(() => decodeJson(Buffer.from('{'), MIB), invalid(/JSON/));
  assert.throws(() => decodeJson(Buffer.from([0x22, 0xff, 0x22]), MIB), invalid(/not UTF-8/));
  assert.throws(() => decodeJson(Buffer.from('"12345"'), 5), invalid(/more than 5 bytes/));
});
