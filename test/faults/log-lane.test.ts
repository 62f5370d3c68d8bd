import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lane, LinkState } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import type { ProducerHolder } from '../../src/transports/kafka/producer.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { cutProduceAnswers, requireKafkaBehindProxy } from '../services/fault-proxy.ts';
import { CountingObserver, NOTHING_WRONG, openLog, pass, plainKafkajs, reckon, records, until } from './log-fixture.ts';

/** Keys of two different partitions out of two. */
const KEY_0 = '21';
const KEY_1 = 'abc';

test('the lane on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const both = await requireKafkaBehindProxy(t, { properties: { 'group.initial.rebalance.delay.ms': '0' } });
  if (both === undefined) return;
  const { kafka, proxy } = both;
  const log = await openLog(t, kafka.brokers);
  const create = async (partitions: number, config: Record<string, string> = {}) => {
    const topic = uniqueTopic('lane');
    await log.admin.create({ name: topic, partitions, config });
    return topic;
  };

  await t.test(
    'a record that is too large costs nothing but itself, and the next send of equal length is stored',
    async () => {
      const topic = await create(2, { 'max.message.bytes': '50000' });
      const lane = log.lane(topic, new CountingObserver());
      const large = new Message(Buffer.alloc(80_000), { key: KEY_1 });
      const refusals = await lane.send([...records(0, 10, { key: KEY_0 }), large]);
      assert.deepEqual(
        refusals.map(({ index, failure }) => [index, failure.code]),
        [[10, 'TG_RECORD_TOO_LARGE']],
      );
      assert.deepEqual(await lane.send(records(10, 10, { key: KEY_0 })), []);
      const stored = await readTopic(kafka.brokers, topic);
      assert.deepEqual(
        stored.map(({ value }) => Number(value)),
        [...Array(20).keys()],
      );
    },
  );

  await t.test('the same where the broker is the one to notice: the limit was lowered behind our back', async () => {
    const topic = await create(2, { 'max.message.bytes': '200000' });
    const lane = log.lane(topic, new CountingObserver());
    assert.deepEqual(await lane.send(records(0, 1, { key: KEY_0 })), []);
    const admin = plainKafkajs(kafka.brokers).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '50000' }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] });
    await admin.disconnect();
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
    const stored = await readTopic(kafka.brokers, topic);
    const acked = [...Array(19).keys(), ...Array.from({ length: 21 }, (_, index) => 100 + index)];
    assert.deepEqual(reckon(acked, stored), NOTHING_WRONG);
    assert.equal(stored.length, acked.length);
  });

  await t.test('naive: after such a refusal the next ten records are acknowledged and never stored', async () => {
    const topic = await create(2, { 'max.message.bytes': '50000' });
    const producer = plainKafkajs(kafka.brokers).producer({ idempotent: true });
    await producer.connect();
    const ten = (from: number) => records(from, 10).map(({ text }) => ({ value: text, partition: 0 }));
    const large = { value: 'x'.repeat(80_000), partition: 1 };
    await assert.rejects(producer.send({ topic, messages: [...ten(0), large] }));
    const [acknowledged] = await producer.send({ topic, messages: ten(10) });
    await producer.disconnect();
    assert.equal(acknowledged?.errorCode, 0);
    const stored = await readTopic(kafka.brokers, topic);
    assert.equal(reckon([...Array(20).keys()].slice(10), stored).lost, 10);
  });

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
    'answers cut after the append: nothing is lost, doubled or out of order for three lanes of one producer',
    async (t) => {
      const topics = [await create(1), await create(1), await create(1)];
      const observers = topics.map(() => new CountingObserver());
      proxy.cutAnswer = cutProduceAnswers(0.1, 7);
      t.after(() => {
        proxy.cutAnswer = () => false;
      });
      const before = proxy.cuts;
      const acked = await Promise.all(
        topics.map((topic, at) => sendTens(log.lane(topic, observers[at] as CountingObserver), 60)),
      );
      proxy.cutAnswer = () => false;
      assert.ok(proxy.cuts - before >= 8, `only ${proxy.cuts - before} answers were cut`);
      for (const [at, topic] of topics.entries()) {
        const stored = await readTopic(kafka.brokers, topic);
        assert.deepEqual(reckon(acked[at] as number[], stored), NOTHING_WRONG);
        assert.equal(stored.length, 600);
        const { outages, recoveries, duplicates } = observers[at] as CountingObserver;
        assert.equal(outages, recoveries);
        assert.equal(duplicates, 0);
      }
    },
  );

  await t.test(
    'compressed batches survive answers cut after the append: nothing is lost, doubled or out of order',
    async (t) => {
      const topic = await create(2);
      const observer = new CountingObserver();
      const compressed = await openLog(t, kafka.brokers, 'gzip');
      const lane = compressed.lane(topic, observer);
      proxy.cutAnswer = cutProduceAnswers(0.2, 13);
      t.after(() => {
        proxy.cutAnswer = () => false;
      });
      const before = proxy.cuts;
      const acked: number[] = [];
      for (let from = 0; from < 500; from += 10) {
        // Without a header as long as this one they would go out as they are.
        const ten = records(from, 10, { headers: [['padding', 'again and again '.repeat(5)]] });
        assert.deepEqual(await lane.send(ten), []);
        acked.push(...ten.map(({ text }) => Number(text)));
      }
      proxy.cutAnswer = () => false;
      assert.ok(proxy.cuts - before >= 5, `only ${proxy.cuts - before} answers were cut`);
      const stored = await readTopic(kafka.brokers, topic);
      assert.deepEqual(reckon(acked, stored), NOTHING_WRONG);
      assert.equal(stored.length, 500);
      assert.equal(observer.duplicates, 0);
    },
  );

  await t.test('records without a key stay in the partition of their first try when answers are cut', async () => {
    const topic = await create(3);
    const observer = new CountingObserver();
    const lane = log.lane(topic, observer);
    proxy.cutAnswer = cutProduceAnswers(0.2, 11);
    const acked = await sendTens(lane, 50);
    proxy.cutAnswer = () => false;
    assert.ok(observer.outages > 3);
    const stored = await readTopic(kafka.brokers, topic);
    assert.deepEqual(reckon(acked, stored), NOTHING_WRONG);
    assert.equal(stored.length, 500);
    assert.equal(new Set(stored.map(({ partition }) => partition)).size, 3);
  });

  await t.test('sequence numbers pass 2^31 without a fresh producer', async () => {
    const topic = await create(1);
    const observer = new CountingObserver();
    const lane = log.lane(topic, observer);
    // The lane's own producer, told that it is about to run out of numbers.
    const { producers } = (lane as unknown as { parts: { producers: ProducerHolder } }).parts;
    (await producers.get()).stored(topic, 0, 2 ** 31 - 25);
    const acked = await sendTens(lane, 6);
    assert.deepEqual(reckon(acked, await readTopic(kafka.brokers, topic)), NOTHING_WRONG);
    assert.equal(observer.duplicates, 0);
  });

  await t.test(
    'a broker that refuses connections for a while is told once, and the send ends when it is back',
    async () => {
      const topic = await create(2);
      const observer = new CountingObserver();
      const lane = log.lane(topic, observer);
      await lane.send(records(0, 10, { key: KEY_0 }));
      const down = nextLink(log.link$, 'down');
      proxy.refuse();
      const sending = lane.send([...records(10, 10, { key: KEY_0 }), ...records(20, 10, { key: KEY_1 })]);
      await down;
      await pass(1_500);
      const up = nextLink(log.link$, 'up');
      proxy.restore();
      const restored = Date.now();
      await up;
      assert.ok(Date.now() - restored < 5_000, `up after ${Date.now() - restored} ms`);
      assert.deepEqual(await sending, []);
      assert.ok(Date.now() - restored < 8_000, `sent after ${Date.now() - restored} ms`);
      assert.deepEqual([observer.outages, observer.recoveries], [1, 1]);
      assert.deepEqual(reckon([...Array(30).keys()], await readTopic(kafka.brokers, topic)), NOTHING_WRONG);
    },
  );

  await t.test('a frozen broker is told within seconds, its return too, and nothing is lost', async () => {
    const topic = await create(1);
    const lane = log.lane(topic, new CountingObserver());
    await lane.send(records(0, 10));
    const frozen = Date.now();
    const down = nextLink(log.link$, 'down');
    kafka.pause();
    const sending = sendTens(lane, 5);
    await down;
    assert.ok(Date.now() - frozen < 10_000, `down after ${Date.now() - frozen} ms`);
    await assert.rejects(log.admin.topics(), { code: 'TG_LOG_UNAVAILABLE' });
    const up = nextLink(log.link$, 'up');
    kafka.resume();
    const resumed = Date.now();
    await up;
    assert.ok(Date.now() - resumed < 5_000, `up after ${Date.now() - resumed} ms`);
    await sending;
    const stored = await readTopic(kafka.brokers, topic);
    assert.deepEqual(reckon([...Array(50).keys()], stored.slice(10)), NOTHING_WRONG);
    assert.equal(stored.length, 60);
  });

  await t.test('a broker that restarts gets the same batch again', async () => {
    const topic = await create(1);
    const lane = log.lane(topic, new CountingObserver());
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
    await kafka.restart();
    const before = acked.length;
    await until(() => acked.length > before + 500, 20_000, 'load after the restart');
    stop.requested = true;
    await writing;
    const stored = await readTopic(kafka.brokers, topic);
    const { lost, doubled, back } = reckon(acked, stored);
    assert.deepEqual({ lost, doubled, back }, NOTHING_WRONG);
  });

  await t.test('a close while the broker is frozen ends what is pending at once', async (t) => {
    const topic = await create(1);
    const other = await openLog(t, kafka.brokers);
    const lane = other.lane(topic, new CountingObserver());
    await lane.send(records(0, 1));
    kafka.pause();
    t.after(() => kafka.resume());
    const pending = assert.rejects(lane.send(records(1, 1)), { code: 'TG_LOG_UNAVAILABLE' });
    await pass(50);
    const started = Date.now();
    await other.close();
    await pending;
    // A request that was sent waits 30 s for its answer.
    assert.ok(Date.now() - started < 5_000, `took ${Date.now() - started} ms`);
  });
});

function nextLink(
  link$: { subscribe(next: (state: LinkState) => void): { unsubscribe(): void } },
  wanted: LinkState['state'],
) {
  return new Promise<void>((resolve) => {
    const subscription = link$.subscribe(({ state }) => {
      if (state !== wanted) return;
      resolve();
      queueMicrotask(() => subscription.unsubscribe());
    });
  });
}
