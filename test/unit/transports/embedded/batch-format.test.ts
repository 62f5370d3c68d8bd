import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import { withTrace } from '../../../../src/core/trace-headers.ts';
import { anyHeaders } from '../../../../src/testing/arbitraries/headers.ts';
import { asBytes } from '../../../../src/testing/contract/header-forms.ts';
import {
  type EncodedBatch,
  encodeBatches,
  outgoing,
} from '../../../../src/transports/embedded/records/batch-format.ts';
import {
  batchFacts,
  decodeBatch,
  glance,
  withOnly,
} from '../../../../src/transports/embedded/records/batch-reading.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const content = fc.oneof(bytes, fc.string({ unit: 'grapheme', maxLength: 20 }));
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
    headers: anyHeaders,
    trace: fc.option(trace, { nil: undefined }),
    timestamp: fc.nat({ max: 4_102_444_800_000 }),
    tombstone: fc.boolean(),
  })
  .map(({ payload, tombstone, trace, ...init }) => {
    const meta = tombstone ? { tombstone } : {};
    const more = trace === undefined ? {} : { trace };
    return new Message(tombstone ? Buffer.alloc(0) : payload, { ...init, ...more, meta });
  });

describe('a stored batch', () => {
  test('gives back what was put in, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), fc.nat({ max: 2 ** 40 }), (messages, base) => {
        const read = decodeAll(encodeBatches(messages.map(stored)), base);
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
        const records = messages.map(stored);
        const [batch] = encodeBatches(records);
        const expected = records.reduce((sum, { bytes }) => sum + bytes, 21);
        assert.equal(batch?.value.length, expected);
        assert.equal([...glance(batch.value, 0)].at(-1)?.end, expected);
      }),
    );
  });

  test('ends at 1,000 records and at 256 KiB', () => {
    const small = encodeBatches(Array.from({ length: 2_500 }, () => stored(new Message(Buffer.from('x')))));
    assert.deepEqual(
      small.map(({ records }) => records),
      [1_000, 1_000, 500],
    );
    const large = encodeBatches(Array.from({ length: 7 }, () => stored(new Message(Buffer.alloc(100_000)))));
    assert.deepEqual(
      large.map(({ records }) => records),
      [2, 2, 2, 1],
    );
    const huge = encodeBatches([stored(new Message(Buffer.alloc(900_000)))]);
    assert.deepEqual(
      huge.map(({ records }) => records),
      [1],
    );
  });

  test('is read from an offset on, and no further than asked for', () => {
    const [batch] = encodeBatches(Array.from({ length: 10 }, (_, at) => stored(new Message(Buffer.from([at])))));
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

  test('keeps a traceparent that cannot be parsed as a header alone, and reads one of a later version', () => {
    const id = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
    const garbage = Buffer.from('\xff'.repeat(500), 'latin1');
    const later = `01-${id}-01-more`;
    const written = [garbage, Buffer.from(later)].map(
      (traceparent) => new Message(Buffer.from('x'), { headers: [['traceparent', traceparent]] }),
    );
    const read = decodeAll(encodeBatches(written.map((message) => outgoing(message, 0))), 0);
    assert.deepEqual(
      read.map(({ headers, trace }) => [headers, trace]),
      [
        [[['traceparent', garbage]], undefined],
        [[['traceparent', Buffer.from(later)]], { traceparent: later }],
      ],
    );
  });

  test('keeps its span and the offsets of its records when some are taken out', () => {
    const messages = Array.from(
      { length: 5 },
      (_, at) => new Message(Buffer.from([at]), { key: `k${at}`, timestamp: 10 + at }),
    );
    const [batch] = encodeBatches(messages.map(stored));
    assert.ok(batch !== undefined);
    const kept = [...glance(batch.value, 50)].filter(({ offset }) => offset % 2 === 1);
    const rest = withOnly(batch.value, kept);
    assert.deepEqual(batchFacts(rest), { records: 2, span: 5, maxTimestamp: 13, recordsAt: 21 });
    const read = decodeAll([{ value: rest, records: 2 }], 50);
    assert.deepEqual(
      read.map(({ offset, payload }) => [offset, payload[0]]),
      [
        [51, 1],
        [53, 3],
      ],
    );
  });

  test('of a gateway that wrote version 1 is read, and stays readable when records are taken out', () => {
    // What version 1 made of two records: k1 with the headers a=1 and b="", k2 with a trace.
    const written = Buffer.from(
      '010200000002000000001000cc829c7942' +
        '00000000000000cc829c79420200000001000000020000006b317801000000010000006131010000000000000062' +
        '01000000001000cc829c79420200000001000000010000006b32790b000000020000007472616365706172656e747470',
      'hex',
    );
    const content = [
      [
        'k1',
        'x',
        [
          ['a', Buffer.from('1')],
          ['b', Buffer.alloc(0)],
        ],
      ],
      ['k2', 'y', [['traceparent', Buffer.from('tp')]]],
    ];
    const seen = (value: Buffer) =>
      decodeAll([{ value, records: 2 }], 7).map(({ key, text, headers }) => [key?.toString(), text, headers]);
    assert.deepEqual(seen(written), content);
    assert.deepEqual(seen(withOnly(written, [...glance(written, 7)])), content);
    assert.deepEqual(seen(withOnly(written, [...glance(written, 7)].slice(1))), content.slice(1));
  });
});

const stored = (message: Message) => outgoing(message, 0);

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
  return {
    payload,
    key: key === null ? null : Buffer.from(key),
    headers: asBytes(withTrace(headers, trace)),
    timestamp,
    tombstone: meta.tombstone === true,
  };
}
