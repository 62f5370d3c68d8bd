import assert from 'node:assert/strict';
import type { Header } from '../../core/headers.ts';
import { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { createTopic, laneOf, numbers, offsetsOf, readAll, record, records, store, texts } from './fixture.ts';
import { asBytes, asTexts } from './header-forms.ts';

/** Hashes from Kafka's own test of `Utils.murmur2` (org.apache.kafka.common.utils.UtilsTest). */
const KAFKA_HASHES: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

/** Keys that Kafka puts in partition 0 and 1 of two. */
const KEY_0 = '21';
const KEY_1 = 'abc';

export function laneCases(test: Register): void {
  test('stores a partition in the order of its sends, at dense offsets, and sets the place of each message', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const sends = [records(3), records(1, {}, 3), records(6, {}, 4)];
    for (const messages of sends) await store(lane, messages);
    const sent = sends.flat();
    assert.deepEqual(offsetsOf(sent), numbers(0, 10));
    assert.ok(sent.every((message) => message.topic === topic && message.partition === 0));
    const stored = await readAll(t, log, topic);
    assert.deepEqual(texts(stored), numbers(0, 10).map(String));
    assert.deepEqual(offsetsOf(stored), numbers(0, 10));
  });

  test('a topic that is gone is forgotten, and one of its name is written to as a new one', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(3));
    await log.admin.delete(topic);
    log.forget(topic);
    assert.equal(await log.admin.create({ name: topic, partitions: 1, replication: 1 }), true);
    const lane = laneOf(t, log, topic);
    await store(lane, records(2));
    await store(lane, records(2, {}, 2));
    assert.deepEqual(texts(await readAll(t, log, topic)), ['0', '1', '2', '3']);
  });

  test('puts a key where Kafka puts it', async (t) => {
    const { log } = t;
    const partitions = 7;
    const topic = await createTopic(t, log, { partitions });
    const asText = KAFKA_HASHES.map(([key]) => record(key, { key }));
    const asBytes = KAFKA_HASHES.map(([key]) => record(key, { key: Buffer.from(key) }));
    await store(laneOf(t, log, topic), [...asText, ...asBytes]);
    const expected = KAFKA_HASHES.map(([, hash]) => (hash & 0x7fffffff) % partitions);
    assert.deepEqual(
      asText.map(({ partition }) => partition),
      expected,
    );
    assert.deepEqual(
      asBytes.map(({ partition }) => partition),
      expected,
    );
  });

  test('keeps the order of each key over many sends to many partitions', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 3 });
    const lane = laneOf(t, log, topic);
    for (let send = 0; send < 20; send += 1) {
      await store(
        lane,
        numbers(0, 30).map((at) => record(String(send * 30 + at), { key: `key ${at % 5}` })),
      );
    }
    const stored = await readAll(t, log, topic);
    assert.equal(stored.length, 600);
    for (const key of numbers(0, 5)) {
      const ofKey = stored
        .filter((message) => message.key?.toString() === `key ${key}`)
        .map(({ text }) => Number(text));
      assert.deepEqual(
        ofKey,
        numbers(0, 120).map((at) => at * 5 + key),
      );
    }
  });

  test('gives every partition records without a key, whatever partition they were read from', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 3 });
    const lane = laneOf(t, log, topic);
    const sent: Message[] = [];
    for (let send = 0; send < 12; send += 1) {
      const messages = records(5, { topic: 'another', partition: 1, offset: 7 }, send * 5);
      await store(lane, messages);
      sent.push(...messages);
    }
    assert.deepEqual(new Set(sent.map(({ partition }) => partition)), new Set([0, 1, 2]));
    for (const partition of numbers(0, 3)) {
      const ofPartition = sent.filter((message) => message.partition === partition);
      assert.deepEqual(offsetsOf(ofPartition), numbers(0, ofPartition.length));
    }
  });

  test('gives back keys, headers, timestamps and payloads byte for byte', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const bytes = Buffer.from(numbers(0, 256));
    const timestamp = Date.now() - 5_000;
    const headers: Header[] = [
      ['plain', 'text'],
      ['ümläut', 'wörld'],
      ['bytes', bytes],
      ['empty', ''],
    ];
    await store(laneOf(t, log, topic), [
      new Message(bytes, { key: bytes, headers, timestamp }),
      new Message(Buffer.alloc(0), { key: 'ключ' }),
      new Message(Buffer.alloc(300_000, 7)),
    ]);
    const [full, empty, large] = await readAll(t, log, topic);
    assert.ok(full !== undefined && empty !== undefined && large !== undefined);
    assert.deepEqual(full.payload, bytes);
    assert.deepEqual(full.key, bytes);
    assert.equal(full.timestamp, timestamp);
    assert.deepEqual(full.headers, asBytes(headers));
    assert.equal(empty.payload.length, 0);
    assert.equal(empty.meta.tombstone, undefined);
    assert.equal(empty.key?.toString(), 'ключ');
    assert.deepEqual(empty.headers, []);
    assert.deepEqual(large.payload, Buffer.alloc(300_000, 7));
    assert.equal(large.key, null);
  });

  test('gives headers back as written and in order: repeated names, null, names like numbers', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const headers: Header[] = [
      ['retry', '1'],
      ['z', null],
      ['retry', Buffer.from('2')],
      ['10', 'ten'],
      ['traceparent', 'no trace context'],
      ['__proto__', 'own'],
      ['1', 'one'],
      ['constructor', ''],
      ['', 'nameless'],
      ['tracestate', null],
      ['traceparent', null],
      ['retry', null],
    ];
    await store(laneOf(t, log, topic), [record('written', { headers }), record('bare', { headers: [] })]);
    const [written, bare] = await readAll(t, log, topic);
    assert.ok(written !== undefined && bare !== undefined);
    assert.deepEqual(written.headers, asBytes(headers));
    assert.deepEqual([bare.headers, written.trace], [[], undefined]);
    const copies = await createTopic(t, log);
    await store(laneOf(t, log, copies), [written]);
    assert.deepEqual((await readAll(t, log, copies))[0]?.headers, asBytes(headers));
  });

  test('stamps a message that has no time with the time it is written', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const before = Date.now();
    await store(laneOf(t, log, topic), [record('now')]);
    const [stored] = await readAll(t, log, topic);
    assert.ok(stored !== undefined && stored.timestamp >= before && stored.timestamp <= Date.now());
  });

  test('distinguishes a tombstone from an empty payload', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), [
      new Message(Buffer.alloc(0), { key: 'gone', meta: { tombstone: true } }),
      new Message(Buffer.alloc(0), { key: 'empty' }),
    ]);
    const stored = await readAll(t, log, topic);
    assert.deepEqual(
      stored.map(({ meta }) => meta.tombstone),
      [true, undefined],
    );
    assert.ok(stored.every(({ payload }) => payload.length === 0));
  });

  test('carries the trace context in the headers traceparent and tracestate, in place of others of that name', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const trace = { traceparent, tracestate: 'vendor=1' };
    await store(laneOf(t, log, topic), [
      record('own', {
        trace,
        headers: [
          ['traceparent', 'overruled'],
          ['kept', '1'],
        ],
      }),
      record('header', {
        headers: [
          ['traceparent', 'an earlier one'],
          ['traceparent', traceparent],
        ],
      }),
      record('none', { headers: [['kept', '2']] }),
    ]);
    const stored = await readAll(t, log, topic);
    assert.deepEqual(
      stored.map((message) => message.trace),
      [trace, { traceparent }, undefined],
    );
    assert.deepEqual(
      stored.map(({ headers }) => asTexts(headers)),
      [
        [
          ['kept', '1'],
          ['traceparent', traceparent],
          ['tracestate', 'vendor=1'],
        ],
        [
          ['traceparent', 'an earlier one'],
          ['traceparent', traceparent],
        ],
        [['kept', '2']],
      ],
    );
  });

  test('refuses only the record that is too large; the others and a next equal send are stored once', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2, config: { 'max.message.bytes': '50000' } });
    const lane = laneOf(t, log, topic);
    const first = records(10, { key: KEY_0 });
    const large = new Message(Buffer.alloc(80_000), { key: KEY_1 });
    const beside = records(2, { key: KEY_1 }, 100);
    const refusals = await lane.send([...first, ...beside.slice(0, 1), large, ...beside.slice(1)]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [[11, 'TG_RECORD_TOO_LARGE']],
    );
    assert.equal(refusals[0]?.failure.next, 'reject');
    await store(lane, records(10, { key: KEY_0 }, 10));
    await store(lane, records(2, { key: KEY_1 }, 102));
    const stored = await readAll(t, log, topic);
    const of = (partition: number) => texts(stored.filter((message) => message.partition === partition));
    assert.deepEqual(of(0), numbers(0, 20).map(String));
    assert.deepEqual(of(1), ['100', '101', '102', '103']);
    assert.equal(large.offset, -1);
  });
}
