import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { convert } from '../../../src/pipelines/processors/convert.ts';
import { fakeContext } from './parts.ts';

const FORM = 'from_json_with_schema';
const { context } = fakeContext();
const processor: Processor = convert.create(convert.config.parse(FORM), context);
const read = (text: string) => (processor.process(new Message(Buffer.from(text))) as Message).text;

for (const text of ['{"payload":1}', '{"schema":null}', 'null', '5', '"payload schema"', '["payload","schema"]']) {
  test(`${text} is no payload beside its schema`, () => {
    assert.throws(() => read(text), {
      code: 'TG_MESSAGE_INVALID',
      message: 'the payload has no "schema" and "payload"',
    });
  });
}

test('a payload of null or of any number is read as it is written', () => {
  assert.equal(read('{"schema":null,"payload":null}'), 'null');
  assert.equal(read('{"schema":null,"payload":8389766145050669871}'), '8389766145050669871');
});
