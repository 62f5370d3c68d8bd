import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobufjs from 'protobufjs';
import { TidegateError } from '../../../../src/core/errors.ts';
import { parseExact } from '../../../../src/core/exact-number.ts';
import { decodeProtobuf } from '../../../../src/pipelines/formats/protobuf/decode.ts';
import { encodeProtobuf } from '../../../../src/pipelines/formats/protobuf/encode.ts';
import { parseProto } from '../../../../src/pipelines/formats/protobuf/schema.ts';

const MIB = 1_048_576;
const ALL = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/field_mask.proto";
message First { string a = 1; }
message All {
  enum Kind { NONE = 0; BIG = 5; }
  message Inner { int32 n = 1; All around = 2; }
  double d = 1; float f = 2; int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6; sint32 s32 = 7; sint64 s64 = 8;
  fixed32 x32 = 9; fixed64 x64 = 10; sfixed32 sx32 = 11; sfixed64 sx64 = 12; bool yes = 13; string text = 14; bytes raw = 15;
  Kind kind = 16; Inner inner = 17; repeated int64 many_ids = 18; repeated string names = 19; repeated Kind kinds = 20;
  map<string, int64> by_name = 21; map<int32, Inner> by_number = 22; map<bool, string> by_flag = 23;
  oneof choice { string word = 24; int32 number = 25; }
  optional int32 maybe = 26;
  google.protobuf.Timestamp at = 27; google.protobuf.Duration lasts = 28; google.protobuf.Int64Value wrapped = 29;
  google.protobuf.Struct free = 30; google.protobuf.Value any_value = 31; google.protobuf.FieldMask mask = 32;
  google.protobuf.StringValue word_or_none = 33; string custom = 34 [json_name = "other"]; repeated int32 loose = 35 [packed = false];
}`;
const schema = parseProto({ text: ALL, imports: new Map() });
const all = schema.message('All');

const write = (json: string, type = all, limit = MIB) => encodeProtobuf(parseExact(json), type, limit);
const read = (bytes: Buffer, type = all, more: object = {}) =>
  decodeProtobuf(bytes, type, { names: 'json', defaults: false, limit: MIB, ...more }).toString();

function invalid(what: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof TidegateError, String(error));
    assert.equal(error.code, 'TG_MESSAGE_INVALID');
    assert.match(error.message, what);
    return true;
  };
}

const SAME = [
  '{}',
  '{"d":0.1,"f":0.5,"i32":-1,"i64":"-9223372036854775808","u32":4294967295,"u64":"18446744073709551615","s32":-2147483648,"s64":"9007199254740993"}',
  '{"x32":4294967295,"x64":"18446744073709551615","sx32":-1,"sx64":"-1","yes":true,"text":"\u00fc","raw":"AAE="}',
  '{"kind":"BIG","inner":{"n":1,"around":{"inner":{"n":2}}},"manyIds":["1","9007199254740993"],"names":["a",""],"kinds":["NONE","BIG",7]}',
  '{"byName":{"":"0","a":"9007199254740993"},"byNumber":{"-1":{"n":1}},"byFlag":{"false":"","true":"x"}}',
  '{"word":""}',
  '{"number":0}',
  '{"maybe":0}',
  '{"at":"2026-11-30T06:48:01Z","lasts":"-1.500s","wrapped":"9007199254740993","wordOrNone":""}',
  '{"at":"0001-01-01T00:00:00.000000001Z","lasts":"0s"}',
  '{"free":{"a":null,"b":[1,"x",{"c":true}],"d":{}},"anyValue":null,"mask":"userName,id"}',
  '{"f":0.1}',
  '{"d":"NaN","f":"Infinity","other":"x","loose":[1,-1]}',
];

test('what is written as Protobuf is read as the same JSON, with every digit', () => {
  for (const json of SAME) assert.equal(read(write(json)), json);
});

test('bytes are those of protobufjs, which reads them', () => {
  const theirs = protobufjs.parse(ALL, { keepCase: false }).root;
  for (const name of ['timestamp', 'duration', 'wrappers', 'struct', 'field_mask'])
    theirs.addJSON(protobufjs.common.get(`google/protobuf/${name}.proto`)?.nested ?? {});
  const type = theirs.lookupType('shop.All');
  // It reads the key "false" of a map as true.
  for (const json of SAME.slice(0, 8).map((one) => one.replace('"false":"",', ''))) {
    const decoded = type.toObject(type.decode(write(json)), { longs: String, enums: String, bytes: String });
    // What has no name in an enum is a number there as well.
    const { other, ...rest } = JSON.parse(json) as Record<string, unknown>;
    const wanted = other === undefined ? rest : { ...rest, custom: other };
    assert.deepEqual(JSON.parse(JSON.stringify(decoded)), wanted, json);
    assert.equal(read(Buffer.from(type.encode(type.fromObject(wanted)).finish())), json);
  }
});

test('names as in the schema, and fields that are not set, where that is wanted', () => {
  assert.equal(read(write('{"manyIds":[1],"other":"x"}'), all, { names: 'proto' }), '{"many_ids":["1"],"custom":"x"}');
  const order = parseProto({
    text: 'syntax = "proto3"; message Order { int64 id = 1; string name = 2; repeated int32 n = 3; map<string,string> m = 4; Order o = 5; optional bool b = 6; }',
    imports: new Map(),
  }).message();
  assert.equal(read(Buffer.alloc(0), order, { defaults: true }), '{"id":"0","name":"","n":[],"m":{}}');
  assert.equal(read(Buffer.alloc(0), order), '{}');
  assert.deepEqual(write('{"many_ids":["1"],"custom":"x"}'), write('{"manyIds":[1],"other":"x"}'));
});

test('fields may come in any order, several times, packed or not, and from a newer schema', () => {
  const old = parseProto({
    text: 'syntax = "proto3"; message M { int32 a = 1; M m = 2; repeated int32 r = 3; oneof o { int32 x = 4; int32 y = 5; } }',
    imports: new Map(),
  }).message();
  assert.equal(read(Buffer.from([8, 1, 8, 2]), old), '{"a":2}');
  assert.equal(read(Buffer.from([0x12, 2, 8, 1, 0x12, 2, 0x18, 9]), old), '{"m":{"a":1,"r":[9]}}');
  assert.equal(read(Buffer.from([0x18, 1, 0x1a, 2, 2, 3, 0x18, 4]), old), '{"r":[1,2,3,4]}');
  assert.equal(read(Buffer.from([0x20, 1, 0x28, 2]), old), '{"y":2}');
  assert.equal(read(Buffer.from([0x73, 0x08, 1, 0x74, 0xfa, 1, 1, 65, 8, 3]), old), '{"a":3}');
});

test('what does not fit the schema fails with its place', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['7', /^it is "7", and not the message shop\.All$/],
    ['{"i32":2147483648}', /^\/i32 is "2147483648", and not of the type int32$/],
    ['{"u64":-1}', /^\/u64 is "-1"/],
    ['{"inner":{"around":{"i64":1.5}}}', /^\/inner\/around\/i64 is "1\.5", and not of the type int64$/],
    ['{"kind":"HUGE"}', /and not of the enum shop\.All\.Kind/],
    ['{"word":"x","number":1}', /has both word and number/],
    ['{"names":"x"}', /^\/names is "x", and not a list$/],
    ['{"names":[null]}', /^\/names\/0 is null, and not of the type string$/],
    ['{"byNumber":{"x":{}}}', /^\/byNumber\/x is "x", and not of the type int32$/],
    ['{"nothing":1}', /^it has the field nothing, which shop\.All has not$/],
    ['{"manyIds":[1],"many_ids":[1]}', /has the field many_ids twice/],
    ['{"at":"yesterday"}', /^\/at is "yesterday", and not a time/],
    ['{"raw":"?"}', /^\/raw is "\?", and not of the type bytes$/],
  ];
  for (const [json, what] of cases) assert.throws(() => write(json), invalid(what), json);
  assert.throws(() => write(`{"text":"${'x'.repeat(100)}"}`, all, 50), invalid(/more than 50 bytes/));
  const deep = `${'{"inner":{"around":'.repeat(500)}{}${'}}'.repeat(500)}`;
  assert.throws(() => write(deep), invalid(/nested more than 100 levels/));
});

test('bytes that are no message fail, and bombs end at the limit', () => {
  const cases: readonly (readonly [number[], RegExp])[] = [
    [[0x72, 5, 65], /ends within a value/],
    [[0x00], /there is no field 0/],
    [[0x76], /wire type 6/],
    [[0x73], /ends within a value/],
    [[0x73, 0x7c], /does not end/],
    [new Array(500).fill(0x73), /nested more than 100 levels/],
    [[0x72, 1, 0xff], /is not UTF-8/],
  ];
  for (const [bytes, what] of cases) assert.throws(() => read(Buffer.from(bytes)), invalid(what), String(bytes));
  const endless = parseProto({ text: 'syntax = "proto3"; message N { N n = 1; }', imports: new Map() }).message();
  let nested: Buffer = Buffer.alloc(0);
  for (let level = 0; level < 150; level += 1) {
    const { length } = nested;
    nested = Buffer.concat([
      Buffer.from(length < 128 ? [10, length] : [10, 0x80 | (length & 127), length >> 7]),
      nested,
    ]);
  }
  assert.throws(() => read(nested, endless), invalid(/nested more than 100 levels/));
  const empty = parseProto({
    text: 'syntax = "proto3"; message M { repeated E e = 1; } message E { repeated int32 a_name_that_is_long = 1; }',
    imports: new Map(),
  }).message();
  const many = Buffer.alloc(20_000, Buffer.from([0x0a, 0]));
  assert.throws(() => read(many, empty, { limit: 10_000 }), invalid(/more than 10000 bytes/));
});

test('schemas: messages by name and by index, imports, and what is wrong with one', () => {
  assert.equal(schema.message().name, 'shop.First');
  assert.equal(schema.message('shop.All.Inner').name, 'shop.All.Inner');
  assert.equal(schema.messageAt([1, 0]).name, 'shop.All.Inner');
  assert.deepEqual(schema.indexesOf(schema.message('Inner')), [1, 0]);
  assert.throws(() => schema.messageAt([2]), /no message at \[2\]/);
  assert.throws(() => schema.message('Nothing'), /has no message Nothing; it has shop\.First/);
  const importing = parseProto({
    text: 'syntax = "proto3"; package a; import "b.proto"; message Uses { Used used = 1; }',
    imports: new Map([['b.proto', 'syntax = "proto3"; package a; message Used { int32 n = 1; }']]),
  });
  assert.equal(importing.message().name, 'a.Uses');
  assert.throws(() => importing.messageAt([1]), /no message/);
  const parse = (text: string) => () => parseProto({ text, imports: new Map() });
  assert.throws(parse('message {'), /the Protobuf schema cannot be used/);
  assert.throws(parse('syntax = "proto3"; message M { Missing m = 1; }'), /Missing/);
  assert.throws(parse('syntax = "proto3"; enum E { A = 0; }'), /has no message/);
  const proto2 = parseProto({
    text: 'syntax = "proto2"; message M { required int32 a = 1; }',
    imports: new Map(),
  }).message();
  assert.throws(() => read(Buffer.alloc(0), proto2), invalid(/has no a, which is required/));
  assert.throws(() => write('{}', proto2), invalid(/has no a, which is required/));
});
