import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastHeader } from '../../../../src/core/headers.ts';
import { flat, SINK_OF_JSON, SOURCE, through, transformed } from './fixture.ts';

describe('headers', () => {
  test('InsertHeader adds one, in the form that Connect gives a literal', () => {
    const cases = [
      ['text', 'text'],
      [' a b ', 'a b'],
      ['007', '7'],
      ['+5', '5'],
      ['2.50', '2.5'],
      ['1.0', '1'],
      ['0.1', '0.1'],
      ['true', 'true'],
      ['null', null],
      ['9007199254740993', '9007199254740993'],
      ['1.2.3', '1.2.3'],
    ] as const;
    for (const [literal, expected] of cases) {
      const settings = { type: 'InsertHeader', header: 'h', 'value.literal': literal };
      const message = transformed(settings, { headers: [['h', 'before']] });
      assert.deepEqual(message?.headers, [['h', 'before'], ['h', expected]], literal); // biome-ignore format: a table
    }
  });

  test('DropHeaders removes all of a name', () => {
    const headers = [['a', '1'], ['b', '2'], ['a', null]] as const; // biome-ignore format: a table
    assert.deepEqual(transformed({ type: 'DropHeaders', headers: 'a,c' }, { headers })?.headers, [['b', '2']]);
  });

  test('HeaderFrom moves or copies fields, as text', () => {
    const value = '{"a":9007199254740993,"b":1.50,"c":{"x":[1,"y"]},"d":null,"e":"z","f":true}';
    const fields = 'a,b,c,d,e,f,g';
    const settings = { type: 'HeaderFrom$Value', fields, headers: fields };
    const moved = transformed({ ...settings, operation: 'move' }, { value });
    assert.equal(moved?.text, '{}');
    assert.deepEqual(moved?.headers, [
      ['a', '9007199254740993'],
      ['b', '1.5'],
      ['c', '{"x":[1,"y"]}'],
      ['d', null],
      ['e', 'z'],
      ['f', 'true'],
      ['g', null],
    ]);
    const copied = transformed({ ...settings, operation: 'copy' }, { value });
    assert.equal(copied?.text, value);
    assert.deepEqual(copied?.headers, moved?.headers);
  });
});

describe('keys', () => {
  test('ValueToKey makes an object of fields, and ExtractField$Key its value', () => {
    const value = '{"id":9007199254740993,"s":"x"}';
    const toKey = { type: 'ValueToKey', fields: 'id' };
    assert.equal(transformed(toKey, { value })?.key, '{"id":9007199254740993}');
    assert.equal(transformed({ ...toKey, fields: 's,none' }, { value })?.key, '{"s":"x","none":null}');
    const both = (field: string) => flat({ k: { ...toKey, fields: field }, e: { type: 'ExtractField$Key', field } });
    assert.equal(through({ ...SOURCE, ...both('id') }, { value })?.key, '9007199254740993');
    assert.equal(through({ ...SOURCE, ...both('s') }, { value })?.key, 'x');
    assert.throws(() => transformed(toKey, { value: '1' }), /\[copying fields from value to key\]/);
  });

  test('of a sink are JSON where the converter says so, and text otherwise', () => {
    const settings = flat({ x: { type: 'HeaderFrom$Key', fields: 'id', headers: 'id', operation: 'copy' } });
    const given = { key: '{"id":7}', value: '{}' };
    const message = through({ ...SINK_OF_JSON, ...settings }, given);
    assert.equal(lastHeader(message?.headers ?? [], 'id'), '7');
    const asText = { ...SINK_OF_JSON, 'key.converter': 'string', ...settings };
    assert.throws(() => through(asText, given), /transforms.x: .* \[header copy\], found: java.lang.String/);
  });
});

describe('topics', () => {
  test('RegexRouter changes those that match as a whole', () => {
    const route = (regex: string, replacement: string) =>
      transformed({ type: 'RegexRouter', regex, replacement })?.topic;
    assert.equal(route('tr(.*)', 'x-$1'), 'x-ades');
    assert.equal(route('(?<a>t)(.*)', '${a}.$2'), 't.rades');
    assert.equal(route('tr', 'x'), 'trades');
    assert.equal(route('.*', 'a\\_b'), 'a_b');
  });

  test('TimestampRouter puts the time of a record into its topic', () => {
    const timestamp = Date.UTC(2026, 1, 3);
    assert.equal(transformed({ type: 'TimestampRouter' }, { timestamp })?.topic, 'trades-20260203');
    const format = { 'topic.format': '${timestamp}.${topic}.$1', 'timestamp.format': 'yyyy' };
    assert.throws(() => transformed({ type: 'TimestampRouter', ...format }, { timestamp }), /2026.trades.\$1: /);
    assert.throws(() => transformed({ type: 'TimestampRouter' }), /Timestamp missing on record/);
  });

  test('that no connector may use, or that cannot exist, fail the record', () => {
    const route = (replacement: string) => transformed({ type: 'RegexRouter', regex: '.*', replacement });
    assert.throws(() => route('__consumer_offsets'), /keep their own state in it/);
    assert.throws(() => route('a/b'), { code: 'TG_MESSAGE_INVALID' });
    assert.throws(() => route(''), { code: 'TG_MESSAGE_INVALID' });
  });

  test('of a sink keep the place of the record, which is committed', () => {
    const settings = flat({
      r: { type: 'RegexRouter', regex: '.*', replacement: 'x' },
      i: {
        type: 'InsertField$Value',
        'topic.field': 't',
        'partition.field': 'p',
        'offset.field': 'o',
        'timestamp.field': 'at',
      },
    });
    const message = through({ ...SINK_OF_JSON, ...settings }, { value: '{}', timestamp: 5 });
    assert.deepEqual([message?.topic, message?.partition, message?.offset], ['orders', 2, 41]);
    assert.equal(message?.text, '{"t":"x","p":2,"o":41,"at":5}');
  });
});

describe('predicates', () => {
  const filtered = (predicate: Record<string, string>, negate: string, given: object) => {
    const settings = flat({ f: { type: 'Filter', predicate: 'p', negate } }, { p: predicate });
    return through({ ...SINK_OF_JSON, ...settings }, given) === null;
  };

  test('choose the records that are transformed, and with negate the others', () => {
    const cases = [
      [{ type: 'HasHeaderKey', name: 'h' }, { headers: [['h', null]] }, { headers: [['H', '1']] }],
      [{ type: 'RecordIsTombstone' }, { value: null }, { value: '{}' }],
      [{ type: 'RecordIsTombstone' }, { value: 'null' }, { value: '""' }],
      [{ type: 'TopicNameMatches', pattern: 'ord.*' }, {}, undefined],
      [{ type: 'TopicNameMatches', pattern: 'ord' }, undefined, {}],
    ] as const; // biome-ignore format: a table
    for (const [predicate, holds, fails] of cases) {
      if (holds !== undefined) {
        assert.equal(filtered(predicate, 'false', holds), true, predicate.type);
        assert.equal(filtered(predicate, 'true', holds), false, predicate.type);
      }
      if (fails !== undefined) {
        assert.equal(filtered(predicate, 'false', fails), false, predicate.type);
        assert.equal(filtered(predicate, 'true', fails), true, predicate.type);
      }
    }
  });

  test('see what the transforms before them have made', () => {
    const settings = flat(
      {
        h: { type: 'InsertHeader', header: 'h', 'value.literal': '1' },
        f: { type: 'Filter', predicate: 'p' },
      },
      { p: { type: 'HasHeaderKey', name: 'h' } },
    );
    assert.equal(through({ ...SOURCE, ...settings }, {}), null);
  });
});
