import fc from 'fast-check';
import type { Codec } from '../../../src/core/component.ts';
import type { Membership } from '../../../src/core/membership.ts';
import type { MessageInit } from '../../../src/core/message.ts';
import { NOW } from './made.ts';

/** JSON that JSON.parse reads, but JSON.stringify cannot write again because the stack is too small. */
export const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

export function room(codec: Codec): Membership {
  if (codec.membership === undefined) throw new Error('the codec has no members');
  return codec.membership;
}

const words = fc.string({ unit: fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), fc.constant('\ud800')) });
const json = fc.oneof(words, fc.jsonValue({ noUnicodeString: false }));
const bytes = fc.uint8Array().map((array) => Buffer.from(array));

const requestFrame = fc
  .record(
    {
      type: fc.oneof(
        fc.constantFrom('broadcast-all', 'broadcast', 'broadcast-one', 'kick-one', 'kick-all', '__proto__'),
        json,
      ),
      targetId: json,
      message: json,
    },
    { requiredKeys: [] },
  )
  .map((request) => JSON.stringify(request));

/** Frames as a connection passes them to a codec: text frames are valid UTF-8 (RFC 6455 8.1). */
export const frames: fc.Arbitrary<{ data: Buffer; binary: boolean }> = fc.oneof(
  bytes.map((data) => ({ data, binary: true })),
  fc
    .oneof(words, fc.json(), requestFrame, fc.constant(`{"type":"broadcast","message":${DEEP}}`))
    .map((text) => ({ data: Buffer.from(text), binary: false })),
);

const messageRecord = fc
  .record({ from: json, message: json, timestamp: json }, { requiredKeys: [] })
  .map((message) => Buffer.from(JSON.stringify(message)));
const nearlyUtf8 = fc.tuple(messageRecord, bytes).map((parts) => Buffer.concat(parts));
const invalidWithin = fc
  .tuple(messageRecord, fc.nat(), fc.integer({ min: 0x80, max: 0xff }))
  .map(([record, at, byte]) => Buffer.from(record.map((old, index) => (index === at % record.length ? byte : old))));

/** Records that any producer may have written to a topic; none is a tombstone. */
export const records: fc.Arbitrary<{ payload: Buffer; init: MessageInit }> = fc.record({
  payload: fc.oneof(
    bytes,
    messageRecord,
    nearlyUtf8,
    invalidWithin,
    fc.constant(Buffer.from(`{"from":"a","message":${DEEP},"timestamp":"t"}`)),
  ),
  init: fc.record({
    key: fc.oneof(fc.constant(null), words, bytes),
    timestamp: fc.oneof(fc.constantFrom(NOW, 0, -1, NOW * 1000, NOW * 1_000_000, Number.NaN), fc.double()),
  }),
});
