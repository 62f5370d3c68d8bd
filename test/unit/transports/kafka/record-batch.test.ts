import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from '../../../../src/core/crc32c.ts';
import { type Header, type Headers, lastHeader } from '../../../../src/core/headers.ts';
import { Message } from '../../../../src/core/message.ts';
import { propagationOf } from '../../../../src/core/propagation.ts';
import { anyHeaders } from '../../../../src/testing/arbitraries/headers.ts';
import { asBytes } from '../../../../src/testing/contract/header-forms.ts';
import { type Compression, compressorOf } from '../../../../src/transports/kafka/compression/compression.ts';
import { decodeRecords } from '../../../../src/transports/kafka/fetch/decode.ts';
import { encodeBatch, outgoing } from '../../../../src/transports/kafka/wire/record-batch.ts';

const require = createRequire(import.meta.url);
// kafkajs reads and writes the same format by code of its own: the judge of ours.
const KafkajsDecoder = require('kafkajs/src/protocol/decoder.js');
const decodeByKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder.js');
const { RecordBatch: encodeByKafkajs } = require('kafkajs/src/protocol/recordBatch/v0/index.js');
const KafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js');

const PRODUCER = { id: 4_711n, epoch: 3 };
const NOW = 1_760_000_000_000;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record = fc.record({
  payload: bytes,
  key: fc.option(bytes, { nil: null }),
  headers: anyHeaders,
  timestamp: fc.oneof(fc.integer({ min: 1, max: 8_000_000_000_000 }), fc.constant(NOW)),
});

const messageOf = ({ payload, ...init }: { payload: Buffer; key: Buffer | null; headers: Header[] }) =>
  new Message(payload, init);
const encoded = (messages: Message[], sequence = 0, compression: Compression = 'none') =>
  encodeBatch(
    messages.map((message) => outgoing(message, message.key as Buffer | null, NOW)),
    PRODUCER,
    sequence,
    compressorOf(compression),
  );
const fetched = (records: Buffer) => ({ topic: 't', partition: 1, code: 0, end: 1_000, aborted: [], records });
/** Gives a batch that was changed the checksum of one that was written so. */
const sealed = (batch: Buffer) => {
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
};

/** What kafkajs makes of headers: a list of values where a name is there several times, or means something to every object. */
function byName(headers: readonly Header[]): [name: string, value: unknown][] {
  let values: Record<string, unknown> = {};
  for (const [name, value] of asBytes(headers)) {
    const before = values[name];
    const all = Array.isArray(before) ? [...before, value] : [before, value];
    values = { ...values, [name]: before === undefined ? value : all };
  }
  return Object.entries(values);
}

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
        assert.deepEqual(Object.entries(read.headers), byName(one.headers));
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
        messages.map(({ offset, token, payload, key, headers, timestamp, partition }) => [
          offset,
          token,
          payload,
          key,
          headers,
          timestamp,
          partition,
        ]),
        records
          .map(({ payload, key, headers, timestamp }, offset) => [
            offset,
            offset,
            payload,
            key,
            asBytes(headers),
            timestamp,
            1,
          ])
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

test('names and values of headers of any length are read, whatever their length in UTF-8 takes', () => {
  for (const letter of ['a', 'é', '€']) {
    for (const length of [...Array(70).keys(), 2_729, 2_731, 8_192]) {
      const headers: Header[] = [[letter.repeat(length), letter.repeat(length)]];
      const [read] = decodeRecords(fetched(encoded([new Message(Buffer.from('x'), { headers })])), 0).messages;
      assert.deepEqual(read?.headers, asBytes(headers), `${letter} ${length}`);
    }
  }
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

test('trace context travels in headers, in place of others of that name', () => {
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' };
  const written = new Message(Buffer.from('x'), {
    trace,
    headers: [
      ['tracestate', 'older'],
      ['traceparent', 'older'],
      ['kept', 'yes'],
    ],
  });
  const [read] = decodeRecords(fetched(encoded([written])), 0).messages;
  assert.deepEqual(read?.trace, trace);
  const expected: Header[] = [
    ['kept', 'yes'],
    ['traceparent', trace.traceparent],
    ['tracestate', trace.tracestate],
  ];
  assert.deepEqual(read?.headers, asBytes(expected));
});

test('a traceparent that cannot be parsed is a header as any other, and can be written again', () => {
  const id = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
  for (const bad of ['garbage', `00-${id.toUpperCase()}-01`, `ff-${id}-01`, '\xff'.repeat(2_000)]) {
    const traceparent = Buffer.from(bad, 'latin1');
    const written = new Message(Buffer.from('x'), {
      headers: [
        ['traceparent', traceparent],
        ['kept', 'yes'],
      ],
    });
    const [read] = decodeRecords(fetched(encoded([written])), 0).messages;
    assert.deepEqual(
      [read?.trace, read?.headers],
      [
        undefined,
        [
          ['traceparent', traceparent],
          ['kept', Buffer.from('yes')],
        ],
      ],
    );
    const [again] = decodeRecords(fetched(encoded([read as Message])), 0).messages;
    assert.deepEqual(again?.headers, read?.headers);
  }
});

test('a trace context of a plugin has room in its record, whatever it holds', () => {
  const trace = { traceparent: '\u20ac'.repeat(2_000), tracestate: '\u20ac'.repeat(100) };
  const [read] = decodeRecords(fetched(encoded([new Message(Buffer.from('x'), { trace })])), 0).messages;
  assert.equal(lastHeader(read?.headers ?? [], 'traceparent')?.toString(), trace.traceparent);
});

test('a traceparent of a later version is read, and written as it came', () => {
  const traceparent = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-\xff\xff';
  const headers: Headers = [
    ['traceparent', Buffer.from(traceparent, 'latin1')],
    ['tracestate', Buffer.from('a=b')],
  ];
  const [read] = decodeRecords(fetched(encoded([new Message(Buffer.from('x'), { headers })])), 0).messages;
  assert.deepEqual(read?.trace, { traceparent, tracestate: 'a=b' });
  const [again] = decodeRecords(fetched(encoded([read as Message])), 0).messages;
  assert.deepEqual(again?.headers, headers);
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

function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
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

test('a batch that cannot be unpacked is reported with its offsets, and reading goes on behind it', async () => {
  const batch = await kafkajsBatch(['a', 'b'], 10, {});
  batch.writeInt16BE(3, 21);
  sealed(batch);
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
    return sealed(buffer as Buffer);
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

/** A batch of one record in a transaction. */
const batchOf = async (producerId: number, value: string, firstOffset: number) => {
  const batch = await kafkajsBatch([value], firstOffset, { transactional: true });
  batch.writeBigInt64BE(BigInt(producerId), 43);
  return withChecksum(batch);
};

/** The control record that ends a transaction: `type` 0 aborts it, 1 commits it. */
const endOf = async (producerId: number, offset: number, type: number) => {
  const key = Buffer.from([0, 0, 0, type]);
  const record = KafkajsRecord({ offsetDelta: 0, key, value: Buffer.alloc(6) });
  const { buffer } = await encodeByKafkajs({
    records: [record],
    firstOffset: offset,
    producerId,
    transactional: true,
  });
  buffer.writeInt16BE(0x30, 21);
  return withChecksum(buffer as Buffer);
};

test("aborted transactions of two producers are followed separately, in any order of the broker's list", async () => {
  const records = Buffer.concat([
    await batchOf(7, 'first of 7, aborted', 0),
    await batchOf(8, 'first of 8, committed', 1),
    await endOf(8, 2, 1),
    await endOf(7, 3, 0),
    await batchOf(7, 'second of 7, committed', 4),
    await batchOf(8, 'second of 8, aborted', 5),
    await endOf(7, 6, 1),
    await endOf(8, 7, 0),
    await batchOf(8, 'third of 8, committed', 8),
    await endOf(8, 9, 1),
  ]);
  const aborted = [
    { producerId: 8, firstOffset: 5 },
    { producerId: 7, firstOffset: 0 },
  ];
  for (const listed of [aborted, aborted.toReversed()]) {
    const { messages, next } = decodeRecords({ ...fetched(records), aborted: listed }, 0);
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['first of 8, committed', 'second of 7, committed', 'third of 8, committed'],
    );
    assert.equal(next, 10);
  }
});

test('where two producers abort side by side, the end of one is not the end of the other', async () => {
  const records = Buffer.concat([
    await batchOf(7, 'first of 7, aborted', 0),
    await batchOf(8, 'first of 8, aborted', 1),
    await endOf(8, 2, 0),
    await batchOf(7, 'second of 7, aborted', 3),
    await batchOf(8, 'second of 8, committed', 4),
    await endOf(7, 5, 0),
    await batchOf(7, 'third of 7, committed', 6),
  ]);
  const aborted = [
    { producerId: 7, firstOffset: 0 },
    { producerId: 8, firstOffset: 1 },
  ];
  const { messages } = decodeRecords({ ...fetched(records), aborted }, 0);
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['second of 8, committed', 'third of 7, committed'],
  );
});

test('with log append time the batch has one time for all', () => {
  const batch = encoded([new Message(Buffer.from('x'), { timestamp: 1 })]);
  batch.writeInt16BE(8, 21);
  batch.writeBigInt64BE(55n, 35);
  assert.equal(decodeRecords(fetched(batch), 0).messages[0]?.timestamp, 55);
});

const compression = fc.constantFrom('gzip', 'snappy', 'lz4');

test('a compressed batch reads as it was written, has the same bytes each time, and is never larger', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), compression, (records, name) => {
      const messages = records.map(messageOf);
      const batch = encoded(messages, 7, name);
      const plain = encoded(messages, 7);
      assert.deepEqual(encoded(messages, 7, name), batch);
      assert.ok(batch.length <= plain.length);
      assert.equal(batch.readInt32BE(8), batch.length - 12);
      assert.equal(batch.readUInt32BE(17), crc32c(batch, 21, batch.length));
      const read = decodeRecords(fetched(batch), 0);
      assert.deepEqual(read.messages, decodeRecords(fetched(plain), 0).messages);
      assert.equal(read.messages.length, records.length);
      assert.equal(read.next, records.length);
      assert.equal(read.unpacked, (batch.readInt16BE(21) & 7) === 0 ? 0 : plain.length - 61);
    }),
  );
});

test('records that repeat themselves are sent compressed, a few random bytes as they are', () => {
  const text = Array.from({ length: 50 }, () => new Message(Buffer.from('the same again and again')));
  for (const [name, codec] of [
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
  ] as const) {
    const batch = encoded(text, 0, name);
    assert.equal(batch.readInt16BE(21), codec);
    assert.ok(batch.length * 2 < encoded(text).length);
    assert.equal(encoded([new Message(Buffer.from('q7'))], 0, name).readInt16BE(21), 0);
  }
});

test('kafkajs, which has gzip, reads what is written with it', async () => {
  const messages = Array.from({ length: 50 }, (_, at) => new Message(Buffer.from(`again and again ${at}`)));
  const batch = await decodeByKafkajs(new KafkajsDecoder(encoded(messages, 0, 'gzip')));
  assert.deepEqual(
    batch.records.map(({ value }: { value: Buffer }) => value),
    messages.map(({ payload }) => payload),
  );
});

test('damage in a batch never throws, reading goes on, and a compressed batch is read whole or not at all', () => {
  const name = fc.constantFrom('none', 'gzip', 'snappy', 'lz4');
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), name, changes, (records, name, changes) => {
      const before = encoded([new Message(Buffer.from('whole'))]);
      const batch = encoded(records.map(messageOf), 0, name);
      batch.writeBigInt64BE(1n);
      const isCompressed = (batch.readInt16BE(21) & 7) !== 0;
      const intact = Buffer.from(batch);
      // From the checksum on: what comes before it is the broker's, which checks it.
      for (const [at, change] of changes) {
        const place = 17 + (at % (batch.length - 17));
        batch[place] = (batch[place] as number) ^ change;
      }
      const both = decodeRecords(fetched(Buffer.concat([before, batch])), 0);
      assert.equal(both.messages[0]?.text, 'whole');
      const { messages, next, unreadable } = decodeRecords(fetched(batch), 1);
      assert.ok(next > 1 && next <= 1_000, String(next));
      if (unreadable === undefined) {
        if (isCompressed && (batch.readInt16BE(21) & 7) !== 0) assert.deepEqual(batch, intact);
        for (const { offset } of messages) assert.ok(offset >= 1 && offset < next);
      } else {
        assert.equal(messages.length, 0);
        assert.deepEqual([unreadable.from, unreadable.to], [1, next]);
        assert.match(unreadable.reason, /damaged/);
      }
    }),
    { numRuns: 400 },
  );
});

test('one wrong bit that makes records look like those of a transaction is reported', () => {
  for (const name of ['none', 'gzip'] as const) {
    const batch = encoded([new Message(Buffer.from('the same again and again '.repeat(9)))], 0, name);
    batch[22] = (batch[22] as number) ^ 0x20;
    const { messages, next, unreadable } = decodeRecords(fetched(batch), 0);
    assert.deepEqual([messages.length, next, unreadable?.from], [0, 1, 0]);
    assert.match(unreadable?.reason ?? '', /checksum/);
  }
});

test('lengths, offsets and formats that cannot be end in a reason, wherever the next batch begins', async () => {
  const cases: [reason: RegExp, damage: (batch: Buffer) => void][] = [
    [/length of the batch/, (batch) => batch.writeInt32BE(-12, 8)],
    [/length of the batch/, (batch) => batch.writeInt32BE(20, 8)],
    [/older than Kafka 0\.11/, (batch) => batch.writeInt8(1, 16)],
    [/message format 3/, (batch) => batch.writeInt8(3, 16)],
    [/ends before it begins/, (batch) => sealed(batch).writeInt32BE(-5, 23)],
    [/more in the batch/, (batch) => batch.writeInt32BE(1, 57)],
    [/more in the batch/, (batch) => batch.writeInt32BE(-1, 57)],
    [/cut off/, (batch) => batch.writeInt32BE(2 ** 31 - 1, 57)],
    [/not in its batch/, (batch) => batch.writeInt32BE(0, 23)],
    // An empty value and no headers where there were a value of a byte and no headers.
    [/another length than it says/, (batch) => batch.writeInt16BE(0, batch.length - 3)],
    [/codec 7/, (batch) => batch.writeInt16BE(7, 21)],
  ];
  for (const [reason, damage] of cases) {
    const batch = await kafkajsBatch(['a', 'b'], 10, {});
    damage(batch);
    const { messages, next, unreadable } = decodeRecords(fetched(sealed(batch)), 10);
    assert.equal(messages.length, 0);
    assert.match(unreadable?.reason ?? '', reason);
    assert.ok(next > 10 && next <= 12);
  }
});

test('a message set older than Kafka 0.11 is reported even if it is shorter than the head of a batch', () => {
  const old = Buffer.alloc(34);
  old.writeBigInt64BE(5n);
  old.writeInt32BE(22, 8);
  old.writeInt8(1, 16);
  const { next, unreadable } = decodeRecords(fetched(old), 5);
  assert.equal(next, 6);
  assert.match(unreadable?.reason ?? '', /older than Kafka 0\.11/);
});

test('a damaged control record is reported like any other', async () => {
  const control = await kafkajsBatch(['x'], 3, { transactional: true });
  control.writeInt16BE(0x30, 21);
  // The length of its key: 63, far behind its end.
  control.writeInt8(126, 65);
  const { next, unreadable } = decodeRecords(fetched(sealed(control)), 3);
  assert.equal(next, 4);
  assert.match(unreadable?.reason ?? '', /cut off/);
});

test('of compressed batches that exceed the room the first are taken, and the rest is fetched again', () => {
  const batches = [0, 1, 2].map((at) => {
    const batch = encoded([new Message(Buffer.alloc(10_000, at))], 0, 'lz4');
    batch.writeBigInt64BE(BigInt(at));
    return batch;
  });
  const one = decodeRecords(fetched(Buffer.concat(batches)), 0, undefined, 1);
  assert.equal(one.messages.length, 1);
  assert.equal(one.next, 1);
  const two = decodeRecords(fetched(Buffer.concat(batches)), one.next, undefined, one.unpacked + 1);
  assert.equal(two.messages.length, 2);
  assert.equal(two.next, 3);
  const none = decodeRecords(fetched(Buffer.concat(batches)), 0, undefined, 0);
  assert.deepEqual([none.messages.length, none.next, none.unreadable], [0, 0, undefined]);
});

test('the trace of a message is written and read in the formats that are listed', () => {
  const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const propagation = propagationOf(['b3']);
  const written = outgoing(new Message(Buffer.from('x'), { trace }), null, NOW, propagation);
  assert.deepEqual(written.headers, [['b3', '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1']]);
  const batch = fetched(encodeBatch([written], PRODUCER, 0));
  const read = decodeRecords(batch, 0, undefined, undefined, propagation).messages;
  assert.deepEqual([read[0]?.trace, decodeRecords(batch, 0).messages[0]?.trace], [trace, undefined]);
});
