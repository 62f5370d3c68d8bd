import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lane } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import type { ProducerHolder } from '../../src/transports/kafka/produce/producer.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { CountingObserver, NOTHING_WRONG, openLog, pass, reckon, records, until } from './log-fixture.ts';
import { LogRig } from './log-rig.ts';

/** Keys of two different partitions out of two. */
const KEY_0 = '21';
const KEY_1 = 'abc';
/** Milliseconds that a write waits for the answer to its request. */
const REQUEST_TIMEOUT = 15_000;

test('the lane on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const rig = await LogRig.start(t, 'lane', { properties: { 'group.initial.rebalance.delay.ms': '0' } });
  if (rig === undefined) return;
  const stored = (topic: string) => readTopic(rig.brokers, topic);

  await t.test('a record that is too large fails alone, and the next send of equal length is stored', async () => {
    const topic = await rig.createTopic(2, { 'max.message.bytes': '50000' });
    const lane = rig.lane(topic);
    const large = new Message(Buffer.alloc(80_000), { key: KEY_1 });
    const refusals = await lane.send([...records(0, 10, { key: KEY_0 }), large]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [[10, 'TG_RECORD_TOO_LARGE']],
    );
    assert.deepEqual(await lane.send(records(10, 10, { key: KEY_0 })), []);
    const content = await stored(topic);
    assert.deepEqual(
      content.map(({ value }) => Number(value)),
      [...Array(20).keys()],
    );
  });

  await t.test(
    'a record that is too large only for the broker fails alone, after the limit of the topic was lowered',
    async () => {
      const topic = await rig.createTopic(2, { 'max.message.bytes': '200000' });
      const lane = rig.lane(topic);
      assert.deepEqual(await lane.send(records(0, 1, { key: KEY_0 })), []);
      const configEntries = [{ name: 'max.message.bytes', value: '50000' }];
      const resources = [{ type: 2, name: topic, configEntries }];
      await rig.asAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources }));
      const large = new Message(Buffer.alloc(80_000), { key: KEY_1 });
      const sent = [
        ...records(1, 9, { key: KEY_0 }),
        ...records(100, 5, { key: KEY_1 }),
        large,
        ...records(105, 5, { key: KEY_1 }),
      ];
      const refusals = await lane.send(sent);
      assert.deepEqual(
        refusals.map(({ index, failure }) => [index, failure.code]),
        [[14, 'TG_RECORD_TOO_LARGE']],
      );
      assert.deepEqual(await lane.send([...records(10, 9, { key: KEY_0 }), ...records(110, 11, { key: KEY_1 })]), []);
      const content = await stored(topic);
      const acked = [...Array(19).keys(), ...Array.from({ length: 21 }, (_, index) => 100 + index)];
      assert.deepEqual(reckon(acked, content), NOTHING_WRONG);
      assert.equal(content.length, acked.length);
    },
  );

  /** Sends numbers in tens, one send after the other; resolves with the numbers that were acknowledged. */
  const sendTens = async (lane: Lane, sends: number, key?: string): Promise<number[]> => {
    const acked: number[] = [];
    for (let send = 0; send < sends; send += 1) {
      const messages = records(send * 10, 10, key === undefined ? {} : { key });
      assert.deepEqual(await lane.send(messages), []);
      acked.push(...messages.map(({ text }) => Number(text)));
    }
    return acked;
  };

  await t.test(
    'answers cut after the append lose, double and reorder nothing for three lanes of one producer',
    async (t) => {
      const topics = [await rig.createTopic(1), await rig.createTopic(1), await rig.createTopic(1)];
      const observers = topics.map(() => new CountingObserver());
      rig.cutAfterAppend(0.1, 7, t);
      const acked = await Promise.all(
        topics.map((topic, at) => sendTens(rig.lane(topic, observers[at] as CountingObserver), 60)),
      );
      const cuts = rig.stopCutting();
      assert.ok(cuts >= 8, `only ${cuts} answers were cut`);
      for (const [at, topic] of topics.entries()) {
        const content = await stored(topic);
        assert.deepEqual(reckon(acked[at] as number[], content), NOTHING_WRONG);
        assert.equal(content.length, 600);
        const { outages, recoveries, duplicates } = observers[at] as CountingObserver;
        assert.equal(outages, recoveries);
        assert.equal(duplicates, 0);
      }
    },
  );

  await t.test('answers cut after the append lose, double and reorder nothing of compressed batches', async (t) => {
    const topic = await rig.createTopic(2);
    const observer = new CountingObserver();
    const compressed = await openLog(t, rig.brokers, 'gzip');
    const lane = compressed.lane(topic, observer);
    rig.cutAfterAppend(0.2, 13, t);
    const acked: number[] = [];
    for (let from = 0; from < 500; from += 10) {
      // Batches without a header as long as this one would be sent uncompressed.
      const ten = records(from, 10, { headers: [['padding', 'again and again '.repeat(5)]] });
      assert.deepEqual(await lane.send(ten), []);
      acked.push(...ten.map(({ text }) => Number(text)));
    }
    const cuts = rig.stopCutting();
    assert.ok(cuts >= 5, `only ${cuts} answers were cut`);
    const content = await stored(topic);
    assert.deepEqual(reckon(acked, content), NOTHING_WRONG);
    assert.equal(content.length, 500);
    assert.equal(observer.duplicates, 0);
  });

  await t.test('records without a key stay in the partition of their first attempt when answers are cut', async () => {
    const topic = await rig.createTopic(3);
    const observer = new CountingObserver();
    const lane = rig.lane(topic, observer);
    rig.cutAfterAppend(0.2, 11);
    const acked = await sendTens(lane, 50);
    rig.stopCutting();
    assert.ok(observer.outages > 3);
    const content = await stored(topic);
    assert.deepEqual(reckon(acked, content), NOTHING_WRONG);
    assert.equal(content.length, 500);
    assert.equal(new Set(content.map(({ partition }) => partition)).size, 3);
  });

  await t.test('sequence numbers pass 2^31 without a fresh producer', async () => {
    const topic = await rig.createTopic(1);
    const observer = new CountingObserver();
    const lane = rig.lane(topic, observer);
    // The lane's own producer, set to a position shortly before its numbers overflow.
    const { producers } = (lane as unknown as { parts: { producers: ProducerHolder } }).parts;
    (await producers.get()).stored(topic, 0, 2 ** 31 - 25);
    const acked = await sendTens(lane, 6);
    assert.deepEqual(reckon(acked, await stored(topic)), NOTHING_WRONG);
    assert.equal(observer.duplicates, 0);
  });

  await t.test(
    'a broker that refuses connections for a while is reported once, and the send ends when it is back',
    async () => {
      const topic = await rig.createTopic(2);
      const observer = new CountingObserver();
      const lane = rig.lane(topic, observer);
      await lane.send(records(0, 10, { key: KEY_0 }));
      const down = rig.reports('down');
      rig.refuseConnections();
      const sending = lane.send([...records(10, 10, { key: KEY_0 }), ...records(20, 10, { key: KEY_1 })]);
      await down;
      await pass(1_500);
      const up = rig.reports('up');
      rig.acceptConnections();
      await up;
      assert.deepEqual(await sending, []);
      assert.deepEqual([observer.outages, observer.recoveries], [1, 1]);
      assert.deepEqual(reckon([...Array(30).keys()], await stored(topic)), NOTHING_WRONG);
    },
  );

  await t.test('a frozen broker and its return are reported within seconds, and nothing is lost', async (t) => {
    const topic = await rig.createTopic(1);
    const lane = rig.lane(topic);
    await lane.send(records(0, 10));
    const frozen = Date.now();
    const down = rig.reports('down');
    rig.freeze(t);
    const sending = sendTens(lane, 5);
    await down;
    assert.ok(Date.now() - frozen < REQUEST_TIMEOUT, `down after ${Date.now() - frozen} ms`);
    await assert.rejects(rig.log.admin.topics(), { code: 'TG_LOG_UNAVAILABLE' });
    const up = rig.reports('up');
    rig.thaw();
    await up;
    await sending;
    const content = await stored(topic);
    assert.deepEqual(reckon([...Array(50).keys()], content.slice(10)), NOTHING_WRONG);
    assert.equal(content.length, 60);
  });

  await t.test('a broker that restarts gets the same batch again', async () => {
    const topic = await rig.createTopic(1);
    const lane = rig.lane(topic);
    const stop = { requested: false };
    const acked: number[] = [];
    const writing = (async () => {
      for (let send = 0; !stop.requested; send += 1) {
        const messages = records(send * 10, 10);
        await lane.send(messages);
        acked.push(...messages.map(({ text }) => Number(text)));
        await pass(2);
      }
    })();
    await until(() => acked.length > 500, 10_000, 'load');
    await rig.restartBroker();
    const before = acked.length;
    await until(() => acked.length > before + 500, 20_000, 'load after the restart');
    stop.requested = true;
    await writing;
    const { lost, doubled, back } = reckon(acked, await stored(topic));
    assert.deepEqual({ lost, doubled, back }, NOTHING_WRONG);
  });

  await t.test('a close while the broker is frozen ends what is pending at once', async (t) => {
    const topic = await rig.createTopic(1);
    const other = await openLog(t, rig.brokers);
    const lane = other.lane(topic, new CountingObserver());
    await lane.send(records(0, 1));
    rig.freeze(t);
    const pending = assert.rejects(lane.send(records(1, 1)), { code: 'TG_LOG_UNAVAILABLE' });
    await pass(50);
    const started = Date.now();
    await other.close();
    await pending;
    assert.ok(Date.now() - started < REQUEST_TIMEOUT, `took ${Date.now() - started} ms`);
  });
});
