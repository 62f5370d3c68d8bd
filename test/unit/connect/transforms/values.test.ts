import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { flat, SINK_OF_JSON, through, valueAfter } from './fixture.ts';

type Settings = Readonly<Record<string, string>>;
/** What a value becomes, or a part of why it fails. */
type Case = readonly [settings: Settings, value: string, expected: string | RegExp];

const cases: Readonly<Record<string, readonly Case[]>> = {
  Cast: [
    [{ spec: 'a:int8' }, '{"a":300}', '{"a":44}'],
    [{ spec: 'a:int8' }, '{"a":-129}', '{"a":127}'],
    [{ spec: 'a:int16' }, '{"a":65537.9}', '{"a":1}'],
    [{ spec: 'a:int32' }, '{"a":2147483648}', '{"a":-2147483648}'],
    [{ spec: 'a:int32' }, '{"a":1e300}', '{"a":2147483647}'],
    [{ spec: 'a:int64' }, '{"a":9007199254740993}', '{"a":9007199254740993}'],
    [
      { spec: 'a:int64' },
      `{"a":${'9'.repeat(1_001)}}`,
      /a number of 1001 digits is not computed with; the most are 1000/,
    ],
    [{ spec: 'a:int64' }, '{"a":-1e300}', '{"a":-9223372036854775808}'],
    [{ spec: 'a:int64' }, '{"a":"9223372036854775807"}', '{"a":9223372036854775807}'],
    [{ spec: 'a:int64' }, '{"a":"9223372036854775808"}', /was out of range for requested data type/],
    [{ spec: 'a:int8' }, '{"a":"128"}', /Value \(128\) was out of range/],
    [{ spec: 'a:int8' }, '{"a":"+12"}', '{"a":12}'],
    [{ spec: 'a:int32' }, '{"a":" 1"}', /out of range/],
    [{ spec: 'a:int32' }, '{"a":"1.5"}', /out of range/],
    [{ spec: 'a:int32' }, '{"a":true}', '{"a":1}'],
    [{ spec: 'a:float64' }, '{"a":1}', '{"a":1.0}'],
    [{ spec: 'a:float64' }, '{"a":"1e10"}', '{"a":1.0E10}'],
    [{ spec: 'a:float64' }, '{"a":0.00015}', '{"a":1.5E-4}'],
    [{ spec: 'a:float64' }, '{"a":"x"}', /out of range/],
    [{ spec: 'a:float64' }, '{"a":"1e999"}', /out of range/],
    [{ spec: 'a:float32' }, '{"a":0.1}', '{"a":0.1}'],
    [{ spec: 'a:float32' }, '{"a":16777217}', '{"a":1.6777216E7}'],
    [{ spec: 'a:float32' }, '{"a":false}', '{"a":0.0}'],
    [{ spec: 'a:boolean' }, '{"a":0.9}', '{"a":false}'],
    [{ spec: 'a:boolean' }, '{"a":2}', '{"a":true}'],
    [{ spec: 'a:boolean' }, '{"a":"TRUE"}', '{"a":true}'],
    [{ spec: 'a:boolean' }, '{"a":"yes"}', '{"a":false}'],
    [{ spec: 'a:string' }, '{"a":9007199254740993}', '{"a":"9007199254740993"}'],
    [{ spec: 'a:string' }, '{"a":1.50}', '{"a":"1.5"}'],
    [{ spec: 'a:string' }, '{"a":12345678.9}', '{"a":"1.23456789E7"}'],
    [{ spec: 'a:string' }, '{"a":true}', '{"a":"true"}'],
    [{ spec: 'a:string' }, '{"a":null}', '{"a":null}'],
    [{ spec: 'a:string' }, '{"b":1}', '{"b":1,"a":null}'],
    [{ spec: 'a:string' }, '{"a":[1]}', /does not support casting from ARRAY/],
    [{ spec: 'a:string' }, '{"a":{}}', /does not support casting from MAP/],
    [{ spec: 'a.b:string' }, '{"a":{"b":1},"a.b":2}', '{"a":{"b":1},"a.b":"2"}'],
    [{ spec: ' a : INT8 , b:string' }, '{"a":"1","b":2}', '{"a":1,"b":"2"}'],
    [{ spec: 'string' }, '12', '"12"'],
    [{ spec: 'int32' }, '"12"', '12'],
    [{ spec: 'int32' }, '{"a":1}', /casting from MAP/],
    [{ spec: 'a:int8' }, '[1]', /Only Map objects supported .* \[cast types\], found: java.util.ArrayList/],
  ],
  ExtractField: [
    [{ field: 'a' }, '{"a":{"b":9007199254740993}}', '{"b":9007199254740993}'],
    [{ field: 'a' }, '{"a":1.50}', '1.50'],
    [{ field: 'a.b' }, '{"a":{"b":1},"a.b":2}', '2'],
    [{ field: 'a.b', 'field.syntax.version': 'V2' }, '{"a":{"b":1},"a.b":2}', '1'],
    [{ field: '`a.b`.c', 'field.syntax.version': 'v2' }, '{"a.b":{"c":3}}', '3'],
    [{ field: 'a.b', 'field.syntax.version': 'V2' }, '{"a":7}', /\[nested field access\], found: java.lang.Long/],
    [{ field: '__proto__' }, '{"__proto__":5}', '5'],
    [{ field: 'a' }, '"text"', /\[field extraction\], found: java.lang.String; the converter/],
  ],
  Flatten: [
    [{}, '{"a":{"b":{"c":1}},"d":[{"e":1}],"f":null}', '{"a.b.c":1,"d":[{"e":1}],"f":null}'],
    [{ delimiter: '_' }, '{"a":{"b":1.50},"c":9007199254740993}', '{"a_b":1.50,"c":9007199254740993}'],
    [{ delimiter: ' / ' }, '{"a":{"b":1}}', '{"a/b":1}'],
    [{}, '{"a":{},"b":1}', '{"b":1}'],
    [{}, '{"a":{"b":1},"a.b":2}', '{"a.b":2}'],
    [{}, '7', /\[flattening\], found: java.lang.Long/],
  ],
  HoistField: [
    [{ field: 'line' }, '"x"', '{"line":"x"}'],
    [{ field: 'line' }, '{"a":9007199254740993}', '{"line":{"a":9007199254740993}}'],
    [{ field: '__proto__' }, '1', '{"__proto__":1}'],
  ],
  InsertField: [
    [{ 'static.field': 'x', 'static.value': ' y z ' }, '{"a":1.50}', '{"a":1.50,"x":"y z"}'],
    [{ 'static.field': 'x!', 'static.value': '1' }, '{}', '{"x":"1"}'],
    [{ 'topic.field': 't?', 'timestamp.field': 'at' }, '{}', '{"t":"trades"}'],
    [{ 'partition.field': 'p' }, '{"a":1}', '{"a":1}'],
    [{ 'offset.field': 'o' }, '{}', /Only SinkRecord supported for \[field insertion\]/],
    [{ 'topic.field': 't' }, '[]', /\[field insertion\], found: java.util.ArrayList/],
  ],
  MaskField: [
    [
      { fields: 'a,b,c,d,e,f,g' },
      '{"a":"x","b":7,"c":1.5,"d":true,"e":[1],"f":{"x":1},"g":null,"h":1.50}',
      '{"a":"","b":0,"c":0.0,"d":false,"e":[],"f":{},"g":null,"h":1.50}',
    ],
    [{ fields: 'a' }, '{}', '{"a":null}'],
    [{ fields: 'a,b,c', replacement: '7' }, '{"a":"x","b":1,"c":1.5}', '{"a":"7","b":7,"c":7.0}'],
    [{ fields: 'a', replacement: '7.9' }, '{"a":1}', '{"a":7}'],
    [{ fields: 'a', replacement: 'x' }, '{"a":1}', /Unable to convert x \(class java.lang.String\) to a number/],
    [{ fields: 'a', replacement: '1' }, '{"a":true}', /Cannot mask value of type class java.lang.Boolean/],
    [{ fields: 'a' }, '"x"', /\[mask fields\]/],
  ],
  ReplaceField: [
    [{ exclude: 'a' }, '{"a":1,"b":9007199254740993}', '{"b":9007199254740993}'],
    [{ include: 'a,b', exclude: 'b' }, '{"a":1,"b":2,"c":3}', '{"a":1}'],
    [{ renames: 'a:x,b:a' }, '{"a":1,"b":2,"c":3}', '{"x":1,"a":2,"c":3}'],
    [{ include: 'a', renames: 'a:x' }, '{"a":1,"x":2}', '{"x":1}'],
    [{ renames: 'a:__proto__' }, '{"a":1}', '{"__proto__":1}'],
    [{}, '{"a":1}', '{"a":1}'],
    [{ exclude: 'a' }, '1', /\[field replacement\]/],
  ],
  TimestampConverter: [
    [{ field: 'at', 'target.type': 'unix', format: 'yyyy-MM-dd' }, '{"at":"2026-02-03"}', '{"at":1770076800000}'],
    [
      { field: 'at', 'target.type': 'string', format: 'yyyy-MM-dd HH:mm:ss.SSS' },
      '{"at":1}',
      '{"at":"1970-01-01 00:00:00.001"}',
    ],
    [
      { field: 'at', 'target.type': 'string', format: "yyyy-MM-dd'T'HH:mm:ssXXX", 'unix.precision': 'seconds' },
      '{"at":1700000000}',
      '{"at":"2023-11-14T22:13:20Z"}',
    ],
    [
      { field: 'at', 'target.type': 'unix', format: "yyyy-MM-dd'T'HH:mm:ssX", 'unix.precision': 'nanoseconds' },
      '{"at":"2023-11-14T22:13:20+01"}',
      '{"at":1699996400000000000}',
    ],
    [
      { field: 'at', 'target.type': 'Timestamp', 'unix.precision': 'microseconds' },
      '{"at":1700000000123456}',
      '{"at":1700000000123}',
    ],
    [{ field: 'at', 'target.type': 'Date' }, '{"at":1700000000123}', '{"at":1699920000000}'],
    [{ field: 'at', 'target.type': 'Time' }, '{"at":1700000000123}', '{"at":80000123}'],
    [{ field: 'at', 'target.type': 'unix' }, '{"at":null}', '{"at":null}'],
    [{ field: 'at', 'target.type': 'unix' }, '{}', '{"at":null}'],
    [{ 'target.type': 'string', format: 'yyyy' }, '1700000000123', '"2023"'],
    [
      { field: 'at', 'target.type': 'unix' },
      '{"at":1.5}',
      /does not support class java.lang.Double objects as timestamps/,
    ],
    [{ field: 'at', 'target.type': 'unix' }, '{"at":"2026"}', /needs the setting format/],
    [
      { field: 'at', 'target.type': 'unix', format: 'yyyy-MM' },
      '{"at":"x"}',
      /value \(x\) does not match pattern \(yyyy-MM\)/,
    ],
    [{ field: 'at', 'target.type': 'unix' }, '{"at":99999999999999999}', /too far away; set unix.precision/],
    [{ field: 'at', 'target.type': 'unix' }, '1', /\[converting timestamp formats\]/],
  ],
};

for (const [name, list] of Object.entries(cases))
  describe(`${name}$Value`, () => {
    for (const [settings, value, expected] of list)
      test(`${JSON.stringify(settings)} of ${value}`.slice(0, 100), () => {
        const run = () => valueAfter({ type: `${name}$Value`, ...settings }, value);
        if (typeof expected === 'string') assert.equal(run(), expected);
        else assert.throws(run, { code: 'TG_MESSAGE_INVALID', message: expected });
      });
  });

test('a transform of keys changes the key alone, and one of values the value alone', () => {
  const settings: readonly Settings[] = [
    { type: 'Cast', spec: 'a:string' },
    { type: 'ExtractField', field: 'a' },
    { type: 'Flatten' },
    { type: 'HoistField', field: 'x' },
    { type: 'InsertField', 'topic.field': 't' },
    { type: 'MaskField', fields: 'a' },
    { type: 'ReplaceField', renames: 'a:b' },
    { type: 'TimestampConverter', field: 'a', 'target.type': 'string', format: 'S' },
  ];
  const given = { key: '{"a":7,"n":{"m":1}}', value: '{"a":7,"n":{"m":1}}' };
  for (const { type, ...rest } of settings) {
    const [ofKey, ofValue] = ['Key', 'Value'].map((part) =>
      through({ ...SINK_OF_JSON, ...flat({ t: { type: `${type}$${part}`, ...rest } }) }, given),
    );
    assert.equal(ofKey?.text, given.value, type);
    assert.equal(ofValue?.key, given.key, type);
    assert.notEqual(ofKey?.key, given.key, type);
    assert.equal(ofKey?.key, ofValue?.text, type);
  }
});
