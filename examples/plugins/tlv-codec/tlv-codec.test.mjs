import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Message } from 'tidegate/sdk';
import { codecLaws } from 'tidegate/testing';
import tlv, { decode, encode } from './tlv-codec.mjs';

/** What a client sends that got a record: the same fields, with an id. */
function asClient({ data }) {
  const { fields } = decode(Buffer.from(data));
  return { data: encode('publish', { id: 1, ...fields }), binary: true };
}

const id = fc.nat().map((number) => number >>> 0);
const publishes = fc
  .record({ id, key: fc.option(fc.string(), { nil: undefined }), payload: fc.uint8Array().map(Buffer.from) })
  .map((fields) => ({ data: encode('publish', fields), binary: true }));

for (const law of codecLaws(tlv, { frames: publishes, roundTrip: ['payload', 'key'], asClient }))
  test(law.title, law.check);

const codec = tlv.create({});
const shown = ({ data }) => {
  const { type, fields } = decode(data);
  return [type, Object.fromEntries(Object.entries(fields).map(([name, bytes]) => [name, bytes.toString('latin1')]))];
};

test('any bytes are decoded or refused with what is wrong', () => {
  fc.assert(
    fc.property(fc.uint8Array().map(Buffer.from), (bytes) => {
      const decoded = decode(bytes);
      assert.ok(typeof decoded === 'string' || decoded.type !== undefined);
    }),
  );
  assert.equal(decode(Buffer.alloc(0)), 'the frame is empty');
  assert.equal(decode(Buffer.from([9])), 'there is no type 9');
  assert.equal(decode(Buffer.from([1, 3, 0, 0])), 'the field at 1 is cut off');
  assert.equal(decode(Buffer.from([1, 3, 0, 0, 0, 9, 1])), 'the field at 1 has 9 bytes, and 1 are there');
  assert.equal(decode(encode('publish', { id: 1 }).fill(0, 2, 2)).type, 'publish');
});

test('a publish is answered by its id, with what became of it', () => {
  const [{ correlation, message }] = codec.frame(null, encode('publish', { id: 7, key: 'a', payload: 'tea' }), true);
  assert.deepEqual([message.key, message.payload.toString()], ['a', 'tea']);
  const sevens = '\0\0\0\x07';
  assert.deepEqual(shown(codec.settled(null, correlation, null, 0)), ['ok', { id: sevens, outcome: 'stored' }]);
  const rejection = { code: 'TG_STOPPING', message: 'later', retryable: true };
  assert.deepEqual(shown(codec.settled(null, correlation, rejection, 0)), [
    'error',
    { id: sevens, code: 'TG_STOPPING', message: 'later', retryable: '\0\0\0\x01' },
  ]);
});

test('frames that are no publish are refused with a reason', () => {
  const why = (frame) => codec.frame(null, frame, true)[0]?.why;
  assert.equal(why(encode('ok', { id: 1 })), 'a client sends frames of the type 1');
  assert.equal(why(encode('publish', { payload: 'tea' })), 'the field id has 4 bytes');
  assert.equal(why(encode('publish', { id: 1 })), 'the field payload is missing');
  assert.equal(codec.frame(null, Buffer.from('{}'), false)[0].code, 1003);
});

test('a record goes out with its key and bytes, and drops are counted', () => {
  const record = new Message(Buffer.from([0, 255]), { key: 'a' });
  assert.deepEqual(shown(codec.record(record, 0)), ['record', { key: 'a', payload: '\0\xff' }]);
  assert.deepEqual(shown(codec.dropped(258, 0)), ['dropped', { count: '\0\0\x01\x02' }]);
});
