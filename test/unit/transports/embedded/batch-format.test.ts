import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import {
  type EncodedBatch,
  encodeBatches,
  type Outgoing,
  recordBytes,
} from '../../../../src/transports/embedded/batch-format.ts';
import { batchFacts, decodeBatch, glance, withOnly } from '../../../../src/transports/embedded/batch-reading.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const content = fc.oneof(bytes, fc.string({ unit: 'grapheme', maxLength: 20 }));
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => !['traceparent', 'tracestate', '__proto__'].includes(text));
const trace = fc.record(
  {
    traceparent: fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    tracestate: fc.stringMatching(/^[a-z]{1,9}=[0-9]$/),
  },
  { requiredKeys: ['traceparent'], noNullPrototype: true },
);
const message = fc
  .record({
    payload: bytes,
    key: fc.option(content),
    headers: fc.option(fc.dictionary(name, content, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), {
      nil: undefined,
    }),
    trace: fc.option(trace, { nil: undefined }),
    timestamp: fc.nat({ max: 4_102_444_800_000 }),
    tombstone: fc.boolean(),
  })
  .map(({ payload, tombstone, headers, trace, ...init }) => {
    const meta = tombstone ? { tombstone } : {};
    const more = { ...(headers === undefined ? {} : { headers }), ...(trace === undefined ? {} : { trace }) };
    return new Message(tombstone ? Buffer.alloc(0) : payload, { ...init, ...more, meta });
  });

describe('a stored batch', () => {
  test('gives back what was put in, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), fc.nat({ max: 2 ** 40 }), (messages, base) => {
        const read = decodeAll(encodeBatches(messages.map(outgoing)), base);
        assert.deepEqual(read.map(contentOf), messages.map(contentOf));
        assert.deepEqual(
          read.map(({ offset }) => offset),
          messages.map((_, index) => base + index),
        );
        assert.ok(read.every((one) => one.token === one.offset && one.topic === 't' && one.partition === 2));
      }),
    );
  });

  test('is as large as its records and its header say', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
        const [batch] = encodeBatches(messages.map(outgoing));
        const expected = messages.reduce((sum, one) => sum + recordBytes(one), 17);
        assert.equal(batch?.value.length, expected);
      }),
    );
  });

  test('ends at 1,000 records and at 256 KiB', () => {
    const small = encodeBatches(Array.from({ length: 2_500 }, () => outgoing(new Message(Buffer.from('x')))));
    assert.deepEqual(
      small.map(({ records }) => records),
      [1_000, 1_000, 500],
    );
    const large = encodeBatches(Array.from({ length: 7 }, () => outgoing(new Message(Buffer.alloc(100_000)))));
    assert.deepEqual(
      large.map(({ records }) => records),
      [2, 2, 2, 1],
    );
    const huge = encodeBatches([outgoing(new Message(Buffer.alloc(900_000)))]);
    assert.deepEqual(
      huge.map(({ records }) => records),
      [1],
    );
  });

  test('is read from an offset on, and no further than asked for', () => {
    const [batch] = encodeBatches(Array.from({ length: 10 }, (_, at) => outgoing(new Message(Buffer.from([at])))));
    assert.ok(batch !== undefined);
    const into: Message[] = [];
    const options = { topic: 't', partition: 0, baseOffset: 100, from: 103 };
    assert.equal(decodeBatch(batch.value, options, into, 4), 107);
    assert.deepEqual(
      into.map(({ offset }) => offset),
      [103, 104, 105, 106],
    );
    assert.equal(decodeBatch(batch.value, { ...options, from: 107 }, into, 100), 110);
    assert.equal(into.length, 7);
  });

  test('keeps its span and the offsets of its records when some are taken out', () => {
    const messages = Array.from(
      { length: 5 },
      (_, at) => new Message(Buffer.from([at]), { key: `k${at}`, timestamp: 10 + at }),
    );
    const [batch] = encodeBatches(messages.map(outgoing));
    assert.ok(batch !== undefined);
    const kept = [...glance(batch.value, 50)].filter(({ offset }) => offset % 2 === 1);
    const rest = withOnly(batch.value, kept);
    assert.deepEqual(batchFacts(rest), { records: 2, span: 5, maxTimestamp: 13 });
    const read = decodeAll([{ value: rest, records: 2 }], 50);
    assert.deepEqual(
      read.map(({ offset, payload }) => [offset, payload[0]]),
      [
        [51, 1],
        [53, 3],
      ],
    );
  });

  test('of another version is refused', () => {
    const [batch] = encodeBatches([outgoing(new Message(Buffer.from('x')))]);
    batch?.value.writeUInt8(9, 0);
    assert.throws(() => batchFacts(batch?.value ?? Buffer.alloc(17)), /version 9/);
  });
});

function outgoing(message: Message): Outgoing {
  return { message, bytes: recordBytes(message), timestamp: message.timestamp };
}

function decodeAll(batches: readonly EncodedBatch[], base: number): Message[] {
  const messages: Message[] = [];
  let baseOffset = base;
  for (const { value } of batches) {
    const options = { topic: 't', partition: 2, baseOffset, from: 0 };
    baseOffset = decodeBatch(value, options, messages, Number.POSITIVE_INFINITY);
  }
  return messages;
}

function contentOf({ payload, key, headers, trace, timestamp, meta }: Message): unknown {
  const binary = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]));
  return {
    payload,
    key: key === null ? null : Buffer.from(key),
    headers: binary,
    trace,
    timestamp,
    tombstone: meta.tombstone === true,
  };
}
