import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { convert } from '../../../src/pipelines/processors/convert.ts';
import { map } from '../../../src/pipelines/processors/map.ts';
import { fakeContext } from './parts.ts';

const { context } = fakeContext();

function converted(form: string, text: string): string {
  const processor: Processor = convert.create(convert.config.parse(form), context);
  return (processor.process(new Message(Buffer.from(text))) as Message).text;
}

test('json passes JSON on byte for byte and refuses everything else', () => {
  const text = '{ "big": 12345678901234567890, "x": 1.50 }';
  assert.equal(converted('json', text), text);
  for (const value of ['null', 'false', '0', '""']) assert.equal(converted('json', value), value);
  assert.throws(() => converted('json', 'hello'), { code: 'TG_MESSAGE_INVALID' });
});

test("a text is written as Kafka's JsonConverter writes it", () => {
  assert.equal(converted('to_json_string', 'say "hi"\n'), '"say \\"hi\\"\\n"');
  assert.equal(
    converted('to_json_with_schema', '{"a":1}'),
    '{"schema":{"type":"string","optional":false},"payload":"{\\"a\\":1}"}',
  );
});

test('a text that was written so is read back, and what is no text stays JSON', () => {
  for (const [to, from] of [
    ['to_json_string', 'from_json_string'],
    ['to_json_with_schema', 'from_json_with_schema'],
  ] as const)
    for (const text of ['hello', '{"a":1}', '']) assert.equal(converted(from, converted(to, text)), text);
  assert.equal(converted('from_json_string', '{"a":1}'), '{"a":1}');
  assert.equal(converted('from_json_with_schema', '{"schema":null,"payload":{"a":1}}'), '{"a":1}');
  assert.throws(() => converted('from_json_with_schema', '{"a":1}'), { code: 'TG_MESSAGE_INVALID' });
  assert.throws(() => converted('from_json_string', 'x'), { code: 'TG_MESSAGE_INVALID' });
});

test('map takes a timestamp in milliseconds or as text, and keeps the old one where there is no value', () => {
  const at = (payload: object) => {
    const processor: Processor = map.create(map.config.parse({ timestamp: '${! json.t }' }), context);
    return (processor.process(new Message(Buffer.from(JSON.stringify(payload)), { timestamp: 5 })) as Message)
      .timestamp;
  };
  assert.equal(at({ t: 1_700_000_000_000 }), 1_700_000_000_000);
  assert.equal(at({ t: '1700000000000' }), 1_700_000_000_000);
  assert.equal(at({ t: '2023-11-14T22:13:20Z' }), 1_700_000_000_000);
  assert.equal(at({}), 5);
  assert.equal(at({ t: null }), 5);
  for (const t of ['soon', -1, 1.5, '', {}]) assert.throws(() => at({ t }), { code: 'TG_EXPRESSION_FAILED' });
});

test('a record without a value has none in any form; one that is merely empty is looked at', () => {
  for (const form of ['json', 'to_json_string', 'to_json_with_schema', 'from_json_string', 'from_json_with_schema']) {
    const processor: Processor = convert.create(convert.config.parse(form), context);
    const tombstone = new Message(Buffer.alloc(0), { key: 'k', meta: { tombstone: true } });
    assert.equal(processor.process(tombstone), tombstone, form);
  }
  assert.throws(() => converted('json', ''), { code: 'TG_MESSAGE_INVALID' });
});
