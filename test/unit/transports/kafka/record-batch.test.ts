import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import { crc32c } from '../../../../src/transports/kafka/crc32c.ts';
import { decodeRecords } from '../../../../src/transports/kafka/decode.ts';
import { encodeBatch, outgoing } from '../../../../src/transports/kafka/record-batch.ts';

const require = createRequire(import.meta.url);
// kafkajs reads and writes the same format by code of its own: the judge of ours.
const KafkajsDecoder = require('kafkajs/src/protocol/decoder.js');
const decodeByKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder.js');
const { RecordBatch: encodeByKafkajs } = require('kafkajs/src/protocol/recordBatch/v0/index.js');
const KafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js');

const PRODUCER = { id: 4_711n, epoch: 3 };
const NOW = 1_760_000_000_000;

/** kafkajs doubles headers that are called as something every object has; its judgement is not asked about those. */
const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !(text in Object.prototype));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record = fc.record({
  payload: bytes,
  key: fc.option(bytes, { nil: null }),
  headers: fc.dictionary(name, fc.oneof(bytes, fc.string()), { maxKeys: 4 }),
  timestamp: fc.oneof(fc.integer({ min: 1, max: 8_000_000_000_000 }), fc.constant(NOW)),
});

const messageOf = ({
  payload,
  ...init
}: {
  payload: Buffer;
  key: Buffer | null;
  headers: Record<string, string | Buffer>;
}) => new Message(payload, init);
const encoded = (messages: Message[], sequence = 0) =>
  encodeBatch(
    messages.map((message) => outgoing(message, message.key as Buffer | null, NOW)),
    PRODUCER,
    sequence,
  );
const fetched = (records: Buffer) => ({ topic: 't', partition: 1, code: 0, end: 0, aborted: [], records });

test('a batch reads in kafkajs as it was written here', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
      const batch = await decodeByKafkajs(new KafkajsDecoder(encoded(records.map(messageOf), 99)));
      assert.equal(batch.producerId, '4711');
      assert.equal(batch.producerEpoch, 3);
      assert.equal(batch.firstSequence, 99);
      assert.equal(batch.lastOffsetDelta, records.length - 1);
      for (const [index, one] of records.entries()) {
        const read = batch.records[index];
        assert.deepEqual(read.value, one.payload);
        assert.deepEqual(read.key, one.key);
        assert.equal(Number(read.timestamp), one.timestamp);
        const headers = Object.fromEntries(
          Object.entries(one.headers).map(([key, value]) => [key, Buffer.from(value)]),
        );
        assert.deepEqual({ ...read.headers }, { ...headers });
      }
    }),
    { numRuns: 200 },
  );
});

test('a batch reads here as it was written here, from any offset on', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), fc.nat(19), (records, position) => {
      const { messages, next } = decodeRecords(fetched(encoded(records.map(messageOf))), position);
      assert.equal(next, Math.max(records.length, position));
      assert.deepEqual(
        messages.map(({ offset, token, payload, key, timestamp, partition }) => [
          offset,
          token,
          payload,
          key,
          timestamp,
          partition,
        ]),
        records
          .map(({ payload, key, timestamp }, offset) => [offset, offset, payload, key, timestamp, 1])
          .slice(position),
      );
    }),
  );
});

test('the bound of a record is never below its true size, and the bytes carry a valid checksum', () => {
  fc.assert(
    fc.property(record, (one) => {
      const message = messageOf(one);
      const batch = encoded([message]);
      assert.ok(outgoing(message, one.key, NOW).size + 61 >= batch.length);
      assert.equal(batch.readUInt32BE(17), crc32c(batch, 21, batch.length));
    }),
  );
});

test('a header may be called as something that every object has', () => {
  const headers = { constructor: Buffer.from('a'), valueOf: Buffer.from('b') };
  const [read] = decodeRecords(fetched(encoded([new Message(Buffer.from('x'), { headers })])), 0).messages;
  assert.deepEqual(read?.headers, headers);
});

test('crc32c gives the published check value', () => {
  assert.equal(crc32c(Buffer.from('123456789'), 0, 9), 0xe3069283);
});

test('a tombstone is written without a value and read as one, an empty payload stays empty', () => {
  const messages = [
    new Message(Buffer.alloc(0), { meta: { tombstone: true }, key: Buffer.from('k') }),
    new Message(Buffer.alloc(0)),
  ];
  const [gone, empty] = decodeRecords(fetched(encoded(messages)), 0).messages;
  assert.equal(gone?.meta.tombstone, true);
  assert.equal(empty?.meta.tombstone, undefined);
  assert.equal(empty?.payload.length, 0);
});

test('trace context travels in headers and is no header to the reader', () => {
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' };
  const written = new Message(Buffer.from('x'), { trace, headers: { traceparent: 'older', kept: 'yes' } });
  const [read] = decodeRecords(fetched(encoded([written])), 0).messages;
  assert.deepEqual(read?.trace, trace);
  assert.deepEqual(read?.headers, { kept: Buffer.from('yes') });
});

async function kafkajsBatch(
  values: string[],
  firstOffset: number,
  attributes: { compression?: number; transactional?: boolean },
) {
  const records = values.map((value, offsetDelta) =>
    KafkajsRecord({ offsetDelta, key: null, value: Buffer.from(value) }),
  );
  const batch = await encodeByKafkajs({
    ...attributes,
    records,
    firstOffset,
    firstTimestamp: NOW,
    maxTimestamp: NOW,
    producerId: 7,
    lastOffsetDelta: values.length - 1,
  });
  return batch.buffer as Buffer;
}

test('gzip is read', async () => {
  const records = await kafkajsBatch(['a', 'b'], 10, { compression: 1 });
  const { messages, next } = decodeRecords(fetched(records), 0);
  assert.deepEqual(
    messages.map(({ text, offset }) => [text, offset]),
    [
      ['a', 10],
      ['b', 11],
    ],
  );
  assert.equal(next, 12);
});

test('a batch in a codec that cannot be read is told with its offsets, and reading goes on behind it', async () => {
  const batch = await kafkajsBatch(['a', 'b'], 10, {});
  batch.writeInt16BE(3, 21);
  const { messages, next, unreadable } = decodeRecords(fetched(batch), 10);
  assert.equal(messages.length, 0);
  assert.equal(next, 12);
  assert.equal(unreadable?.from, 10);
  assert.equal(unreadable?.to, 12);
  assert.match(unreadable?.reason ?? '', /lz4/);
});

test('readable batches in front of one that cannot be read are delivered first', async () => {
  const good = await kafkajsBatch(['a'], 0, {});
  const bad = await kafkajsBatch(['b'], 1, {});
  bad.writeInt16BE(2, 21);
  const { messages, next, unreadable } = decodeRecords(fetched(Buffer.concat([good, bad])), 0);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['a'],
  );
  assert.equal(next, 1);
  assert.equal(unreadable, undefined);
});

test('a batch that is cut off is left for the next fetch', async () => {
  const good = await kafkajsBatch(['a'], 0, {});
  const cut = (await kafkajsBatch(['b'.repeat(200)], 1, {})).subarray(0, 100);
  const { messages, next } = decodeRecords(fetched(Buffer.concat([good, cut])), 0);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['a'],
  );
  assert.equal(next, 1);
});

test('what an aborted transaction wrote is skipped up to its end, and control records always are', async () => {
  const control = async (offset: number, type: number) => {
    const key = Buffer.from([0, 0, 0, type]);
    const record = KafkajsRecord({ offsetDelta: 0, key, value: Buffer.alloc(6) });
    const { buffer } = await encodeByKafkajs({
      records: [record],
      firstOffset: offset,
      producerId: 7,
      transactional: true,
    });
    buffer.writeInt16BE(0x30, 21);
    return buffer as Buffer;
  };
  const records = Buffer.concat([
    await kafkajsBatch(['aborted'], 0, { transactional: true }),
    await kafkajsBatch(['plain'], 1, {}),
    await control(2, 0),
    await kafkajsBatch(['committed'], 3, { transactional: true }),
    await control(4, 1),
  ]);
  const { messages, next } = decodeRecords({ ...fetched(records), aborted: [{ producerId: 7, firstOffset: 0 }] }, 0);
  assert.deepEqual(
    messages.map(({ text, offset }) => [text, offset]),
    [
      ['plain', 1],
      ['committed', 3],
    ],
  );
  assert.equal(next, 5);
});

test('with log append time the batch has one time for all', () => {
  const batch = encoded([new Message(Buffer.from('x'), { timestamp: 1 })]);
  batch.writeInt16BE(8, 21);
  batch.writeBigInt64BE(55n, 35);
  assert.equal(decodeRecords(fetched(batch), 0).messages[0]?.timestamp, 55);
});
