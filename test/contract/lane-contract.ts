import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Header } from '../../src/core/headers.ts';
import { Message } from '../../src/core/message.ts';
import { asBytes, asTexts } from '../helpers/headers.ts';
import type { Subject, SuiteOptions } from './log-contract.ts';
import {
  createAgain,
  createTopic,
  laneOf,
  numbers,
  offsetsOf,
  readAll,
  record,
  records,
  store,
  texts,
  uniqueName,
} from './log-fixture.ts';

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

export function laneContract(subject: () => Subject, options: SuiteOptions): void {
  describe('a lane', options, () => {
    test('stores a partition in the order of its sends, at dense offsets, and sets the place of each message', async (t) => {
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
      const topic = await createTopic(t, log);
      const before = Date.now();
      await store(laneOf(t, log, topic), [record('now')]);
      const [stored] = await readAll(t, log, topic);
      assert.ok(stored !== undefined && stored.timestamp >= before && stored.timestamp <= Date.now());
    });

    test('distinguishes a tombstone from an empty payload', async (t) => {
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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

    test('takes a send that is larger than the largest record', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log, { config: { 'max.message.bytes': '50000' } });
      const messages = numbers(0, 40).map((at) => new Message(Buffer.alloc(20_000, at)));
      await store(laneOf(t, log, topic), messages);
      const stored = await readAll(t, log, topic);
      assert.deepEqual(
        stored.map(({ payload }) => payload[0]),
        numbers(0, 40),
      );
    });

    test('refuses a record without a key where the topic is compacted', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log, { config: { 'cleanup.policy': 'compact' } });
      const lane = laneOf(t, log, topic);
      const refusals = await lane.send([record('a', { key: 'a' }), record('lost'), record('b', { key: 'b' })]);
      assert.deepEqual(
        refusals.map(({ index, failure }) => [index, failure.code]),
        [[1, 'TG_RECORD_REFUSED']],
      );
      await store(lane, [record('c', { key: 'c' })]);
      assert.deepEqual(texts(await readAll(t, log, topic)), ['a', 'b', 'c']);
    });

    test('refuses every message where the topic is missing', async (t) => {
      const { log } = subject();
      const refusals = await laneOf(t, log, uniqueName('missing')).send(records(2));
      assert.deepEqual(
        refusals.map(({ index, failure }) => [index, failure.code]),
        [
          [0, 'TG_TOPIC_MISSING'],
          [1, 'TG_TOPIC_MISSING'],
        ],
      );
    });

    test('has nothing to do for an empty send', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log);
      await store(laneOf(t, log, topic), []);
      assert.deepEqual(await log.admin.offsets(topic), [{ partition: 0, earliest: 0, latest: 0 }]);
    });

    test('uses partitions that were added since its last send', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log);
      const lane = laneOf(t, log, topic);
      await store(lane, records(3));
      await log.admin.addPartitions(topic, 3);
      const deadline = Date.now() + 30_000;
      const used = new Set<number>();
      while (used.size < 3) {
        assert.ok(Date.now() < deadline, `only the partitions ${[...used]} were used`);
        const messages = records(3);
        await store(lane, messages);
        for (const { partition } of messages) used.add(partition);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });

    for (const [before, after] of [
      [6, 2],
      [2, 6],
    ] as const) {
      test(`writes on where its topic is deleted and created again with ${after} partitions instead of ${before}`, async (t) => {
        const { log } = subject();
        const topic = await createTopic(t, log, { partitions: before });
        const lane = laneOf(t, log, topic);
        const sendOf = (from: number) =>
          numbers(from, from + 60).map((at) => record(String(at), { key: `k${at % 20}` }));
        await store(lane, sendOf(0));
        await createAgain(log, topic, after);
        const sent = [sendOf(60), [record('none'), record('none')], sendOf(120)];
        for (const messages of sent) await store(lane, messages);
        const stored = await readAll(t, log, topic);
        assert.equal(stored.length, 122);
        assert.ok(stored.every(({ partition }) => partition < after));
        for (const key of numbers(0, 20).map((at) => `k${at}`)) {
          const ofKey = stored.filter((message) => String(message.key) === key);
          const where = new Set(ofKey.map(({ partition }) => partition));
          // What was planned for a partition that is still there stays with it, as after partitions are added.
          if (where.size > 1) continue;
          const values = texts(ofKey).map(Number);
          assert.deepEqual(
            values,
            values.toSorted((a, b) => a - b),
          );
        }
        for (const messages of sent)
          for (const message of messages)
            assert.ok(
              stored.some(
                ({ partition, offset, text }) =>
                  partition === message.partition && offset === message.offset && text === message.text,
              ),
            );
      });
    }

    test('ends with TG_LOG_UNAVAILABLE once it was abandoned', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log);
      const lane = log.lane(topic, { retrying() {}, recovered() {}, duplicatesPossible() {} });
      await store(lane, records(1));
      lane.abandon();
      await assert.rejects(lane.send(records(1)), { code: 'TG_LOG_UNAVAILABLE' });
    });
  });
}
