import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flat, SINK_OF_JSON, SOURCE, through } from './fixture.ts';

const HOIST = flat({ h: { type: 'HoistField$Value', field: 'x' } });
const HEADER = flat({ h: { type: 'InsertHeader', header: 'h', 'value.literal': '1' } });
const JSON_CONVERTER = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' };
const PLAIN = { 'value.converter.schemas.enable': 'false' };

test('a source writes a transformed value as its converter does', () => {
  const cases = [
    [{ 'value.converter': 'json' }, HOIST, '{"a":1.50}', '{"x":{"a":1.50}}'],
    [{ 'value.converter': 'string' }, HOIST, '{"a":1.50}', '{"x":"{\\"a\\":1.50}"}'],
    [{ ...JSON_CONVERTER, ...PLAIN }, HOIST, '{"a":1}', '{"x":"{\\"a\\":1}"}'],
    [JSON_CONVERTER, HOIST, 'hello', '{"schema":null,"payload":{"x":"hello"}}'],
    [JSON_CONVERTER, HEADER, 'hello', '{"schema":{"type":"string","optional":false},"payload":"hello"}'],
    [{ ...JSON_CONVERTER, ...PLAIN }, HEADER, 'hello', '"hello"'],
    [{ 'value.converter': 'bytes' }, HOIST, 'hello', '{"x":"aGVsbG8="}'],
  ] as const;
  for (const [converter, transforms, value, expected] of cases)
    assert.equal(through({ ...SOURCE, ...converter, ...transforms }, { value })?.text, expected);
});

test('a sink reads a value as its converter does, and sends what the transforms make of it', () => {
  const cases = [
    [{ 'value.converter': 'json' }, HOIST, '"a"', '{"x":"a"}'],
    [{ 'value.converter': 'string' }, HOIST, '"a"', '{"x":"\\"a\\""}'],
    [{ ...JSON_CONVERTER, ...PLAIN }, HOIST, '[9007199254740993]', '{"x":[9007199254740993]}'],
    [JSON_CONVERTER, HOIST, '{"schema":null,"payload":{"a":1.0}}', '{"x":{"a":1.0}}'],
    [JSON_CONVERTER, HEADER, '{"schema":null,"payload":"text"}', 'text'],
    [{ 'value.converter': 'json' }, HEADER, ' "text" ', ' "text" '],
  ] as const;
  for (const [converter, transforms, value, expected] of cases)
    assert.equal(through({ ...SINK_OF_JSON, ...converter, ...transforms }, { value })?.text, expected);
});

test('what no transform touches stays byte for byte', () => {
  const value = '{ "b" : 1.50, "a":9007199254740993 }';
  assert.equal(through({ ...SOURCE, ...HEADER }, { value })?.text, value);
  assert.equal(through({ ...SINK_OF_JSON, ...HEADER }, { value })?.text, value);
});

test('what is not JSON, or has no envelope, fails', () => {
  assert.throws(() => through({ ...SOURCE, ...HEADER }, { value: '{' }), /the payload is not JSON/);
  const sink = { ...SINK_OF_JSON, ...JSON_CONVERTER, ...HEADER };
  assert.throws(() => through(sink, { value: '{}' }), /has no "schema" and "payload"/);
});

test('a value of null is a tombstone, and a tombstone may get a value', () => {
  const extract = flat({ e: { type: 'ExtractField$Value', field: 'none' } });
  const gone = through({ ...SOURCE, ...extract }, { value: '{"a":1}' });
  assert.deepEqual([gone?.isTombstone, gone?.payload.length], [true, 0]);
  const without = through({ ...SOURCE, ...HEADER }, { value: 'null' });
  assert.deepEqual([without?.isTombstone, without?.payload.length], [true, 0]);
  const there = through({ ...SINK_OF_JSON, ...HOIST }, { value: null });
  assert.deepEqual([there?.isTombstone, there?.text], [false, '{"x":null}']);
  for (const type of ['Cast', 'InsertField', 'ReplaceField', 'ExtractField', 'TimestampConverter', 'Flatten']) {
    const settings = { spec: 'a:int8', 'static.field': 'a', 'static.value': 'b', field: 'a', 'target.type': 'unix' };
    const passed = through(
      { ...SINK_OF_JSON, ...flat({ t: { type: `${type}$Value`, ...settings } }) },
      { value: null },
    );
    assert.equal(passed?.isTombstone, true, type);
  }
  for (const type of ['MaskField', 'HeaderFrom']) {
    const settings = { fields: 'a', headers: 'a', operation: 'copy' };
    const config = { ...SINK_OF_JSON, ...flat({ t: { type: `${type}$Value`, ...settings } }) };
    assert.throws(() => through(config, { value: null }), /found: null/, type);
  }
});

test('the key, headers and timestamp that a connector gives are there before its transforms', () => {
  const config = {
    ...SOURCE,
    'websocket.record.key': '${! json.k }',
    'websocket.record.headers': '{"h":"${! json.k }"}',
    ...HEADER,
  };
  assert.equal(through(config, { value: '{"k":"v"}' })?.text, '{"k":"v"}');
});
