import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Refusal } from '../../../../src/core/log.ts';
import { Message } from '../../../../src/core/message.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { KafkaLane } from '../../../../src/transports/kafka/produce/lane.ts';
import { ProducerHolder } from '../../../../src/transports/kafka/produce/producer.ts';
import { TopicLimits } from '../../../../src/transports/kafka/produce/topic-limits.ts';
import { KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';
import { ScriptedBroker } from '../../../helpers/scripted-broker.ts';

const REQUEST_TIMEOUT = 15_000;

function setUp({ partitions = 1, maxMessageBytes = 1_048_588 } = {}) {
  const broker = new ScriptedBroker();
  if (partitions > 0) broker.create('t', partitions, maxMessageBytes);
  const { clock } = broker;
  const cluster = broker.cluster(REQUEST_TIMEOUT);
  const events: string[] = [];
  const stats = createStats();
  const lane = new KafkaLane(
    't',
    {
      retrying: ({ code }) => void events.push(`retrying ${code}`),
      recovered: () => void events.push('recovered'),
      duplicatesPossible: ({ code }) => void events.push(`duplicates ${code}`),
    },
    {
      cluster,
      producers: new ProducerHolder(cluster),
      limits: new TopicLimits(cluster, clock),
      compressor: undefined,
      logger: createLogger({ level: 'silent' }),
      stats,
      clock,
    },
  );
  const counter = (name: Parameters<typeof stats.counter>[0]) => stats.counter(name, { topic: 't' }).value;
  const traced = () =>
    stats
      .snapshot()
      .flatMap(({ kind, points }) => (kind === 'histogram' ? points.map(({ exemplars }) => exemplars) : []));
  return { broker, clock, cluster, lane, events, counter, traced };
}

type Setting = ReturnType<typeof setUp>;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends, and lets the clock run until the send has ended, for so many milliseconds at most. */
async function send({ lane, clock }: Setting, messages: readonly Message[], most = 60_000, traceId?: string) {
  const started = clock.now();
  let ended: { refusals?: readonly Refusal[]; failure?: unknown } | undefined;
  lane.send(messages, traceId).then(
    (refusals) => {
      ended = { refusals };
    },
    (failure: unknown) => {
      ended = { failure };
    },
  );
  for (await settle(); ended === undefined && clock.now() - started < most; await settle()) clock.advance(50);
  return { ...ended, milliseconds: clock.now() - started };
}

const messages = (...values: string[]) => values.map((value) => new Message(Buffer.from(value)));
/** The refusals of a send, in short. */
const refusalsOf = ({ refusals }: { refusals?: readonly Refusal[] }) =>
  refusals?.map(({ index, failure }) => [index, failure.code]);
const sequences = (broker: ScriptedBroker) =>
  broker
    .of('Produce')
    .flatMap(({ partitions }) =>
      partitions.map(({ bytes }: { bytes: Buffer }) => [Number(bytes.readBigInt64BE(43)), bytes.readInt32BE(53)]),
    );
const partitionsOf = ({ partitions }: { partitions: { partition: number }[] }) =>
  partitions.map(({ partition }) => partition).sort();
const batches = (broker: ScriptedBroker): Buffer[] =>
  broker.of('Produce').flatMap(({ partitions }) => partitions.map(({ bytes }: { bytes: Buffer }) => bytes));

describe('a lane whose broker answers', () => {
  test('stores records in order, sets the place of each, and goes on with the numbers', async () => {
    const setting = setUp();
    const first = messages('a', 'b');
    assert.deepEqual(refusalsOf(await send(setting, first)), []);
    assert.deepEqual(
      first.map(({ topic, partition, offset }) => [topic, partition, offset]),
      [
        ['t', 0, 0],
        ['t', 0, 1],
      ],
    );
    const second = messages('c');
    await send(setting, second);
    assert.equal(second[0]?.offset, 2);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b', 'c']);
    assert.deepEqual(sequences(setting.broker), [
      [1, 0],
      [1, 2],
    ]);
    assert.deepEqual(setting.events, []);
    assert.equal(setting.counter('tidegate_lane_records_total'), 3);
    assert.equal(
      setting.counter('tidegate_lane_bytes_total'),
      batches(setting.broker).reduce((sum, { length }) => sum + length, 0),
    );
    assert.equal(setting.counter('tidegate_lane_retries_total'), 0);
  });

  test('keeps the trace of a send with its duration', async () => {
    const setting = setUp();
    await send(setting, messages('a'));
    assert.deepEqual(setting.traced(), [undefined]);
    await send(setting, messages('b'), 60_000, 'abc');
    const [exemplars = []] = setting.traced();
    assert.deepEqual(
      exemplars.flatMap((one) => one?.traceId ?? []),
      ['abc'],
    );
  });

  test('asks for all replicas, which have less time than the request', async () => {
    const setting = setUp();
    await send(setting, messages('a'));
    const [{ acks, timeout, topic }] = setting.broker.of('Produce');
    assert.deepEqual([acks, topic], [-1, 't']);
    assert.ok(timeout < REQUEST_TIMEOUT);
  });

  test('gives records without a key to the partitions in turn', async () => {
    const setting = setUp({ partitions: 2 });
    for (const value of ['a', 'b', 'c']) await send(setting, messages(value));
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'c']);
    assert.deepEqual(setting.broker.partition('t', 1).values, ['b']);
  });

  test('asks each leader for its own partitions, in one request each', async () => {
    const setting = setUp({ partitions: 3 });
    setting.broker.nodes.add(2);
    setting.broker.partition('t', 1).leader = 2;
    const keyed = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => new Message(Buffer.from(key), { key }));
    assert.deepEqual(refusalsOf(await send(setting, keyed)), []);
    const byNode = new Map<number, number[]>();
    for (const { api, node, payload } of setting.broker.asked)
      if (api === 'Produce') byNode.set(node, partitionsOf(payload));
    assert.deepEqual([byNode.get(1), byNode.get(2)], [[0, 2], [1]]);
    assert.equal(setting.broker.of('Produce').length, 2);
  });
});

describe('a lane without an answer', () => {
  test('repeats the very same bytes where the answer is lost, and the record is in the topic once', async () => {
    const setting = setUp();
    setting.broker.script('Produce', 'lost', 'lost', 'ok');
    const sent = messages('a', 'b');
    assert.deepEqual(refusalsOf(await send(setting, sent)), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b']);
    const [first, second, third] = batches(setting.broker);
    assert.ok(first?.equals(second as Buffer) && first.equals(third as Buffer));
    assert.deepEqual([sent[0]?.offset, sent[1]?.offset], [0, 1], 'the broker says where it was stored at first');
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered']);
    assert.equal(setting.counter('tidegate_lane_retries_total'), 2);
    await send(setting, messages('c'));
    assert.deepEqual(sequences(setting.broker).at(-1), [1, 2], 'numbers go on behind what was stored');
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b', 'c']);
  });

  test('repeats it where the connection broke before the broker had it', async () => {
    const setting = setUp();
    setting.broker.script('Produce', 'cut');
    assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered']);
  });

  test('repeats it once the request has timed out', async () => {
    const setting = setUp();
    setting.broker.script('Produce', 'silent');
    const { milliseconds } = await send(setting, messages('a'));
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
    assert.ok(milliseconds >= REQUEST_TIMEOUT && milliseconds < REQUEST_TIMEOUT + 1_000, String(milliseconds));
  });

  for (const step of ['garbled', 'nothing'] as const)
    test(`takes an answer that is ${step === 'garbled' ? 'cut off' : 'without the partition'} for none`, async () => {
      const setting = setUp();
      setting.broker.script('Produce', step);
      assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
      assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
      assert.equal(setting.counter('tidegate_lane_retries_total'), 1);
    });

  test('waits longer each time, up to a second, and never gives up', async () => {
    const setting = setUp();
    const times: number[] = [];
    const cut = () => {
      times.push(setting.clock.now());
      return 'cut' as const;
    };
    setting.broker.script('Produce', ...Array.from({ length: 9 }, () => cut));
    assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
    const pauses = times.map((time, at) => time - (times[at - 1] ?? time)).slice(1);
    assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]);
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered'], 'it is reported once');
  });

  test('sends the other partitions no second time', async () => {
    const setting = setUp({ partitions: 2 });
    setting.broker.script('Produce', { 0: KAFKA.CORRUPT_MESSAGE });
    const keyed = ['a', 'b', 'c', 'd'].map((key) => new Message(Buffer.from(key), { key }));
    const { milliseconds } = await send(setting, keyed);
    assert.deepEqual(setting.broker.of('Produce').map(partitionsOf), [[0, 1], [0]]);
    assert.equal(milliseconds, 100, 'it waits before it repeats, though the other partition had no failure');
    assert.equal(setting.counter('tidegate_lane_retries_total'), 1);
    const all = [...setting.broker.partition('t', 0).values, ...setting.broker.partition('t', 1).values];
    assert.deepEqual(all.sort(), ['a', 'b', 'c', 'd']);
  });

  test('ends a send that is pending when it is abandoned, and takes no other', async () => {
    const setting = setUp();
    setting.broker.script('Produce', 'silent');
    const pending = setting.lane.send(messages('a'));
    await settle();
    setting.lane.abandon();
    const isUnavailable = { code: 'TG_LOG_UNAVAILABLE' };
    await assert.rejects(pending, isUnavailable);
    await assert.rejects(setting.lane.send(messages('b')), isUnavailable);
    setting.clock.advance(60_000);
    await settle();
    assert.equal(setting.broker.of('Produce').length, 1, 'nothing is sent after that');
    assert.deepEqual(setting.events, []);
  });

  test('does not wait out its pause when it is abandoned', async () => {
    const setting = setUp({ partitions: 0 });
    const pending = setting.lane.send(messages('a'));
    await settle();
    setting.lane.abandon();
    await assert.rejects(pending, { code: 'TG_LOG_UNAVAILABLE' });
    const asked = setting.broker.asked.length;
    await settle();
    setting.clock.advance(10_000);
    await settle();
    assert.equal(setting.broker.asked.length, asked);
  });
});

describe('a lane whose leader has moved', () => {
  test('finds the new one at the next try and reports no outage', async () => {
    const setting = setUp();
    const { broker } = setting;
    await send(setting, messages('a'));
    broker.nodes.add(2);
    broker.partition('t', 0).leader = 2;
    const { milliseconds } = await send(setting, messages('b'));
    assert.equal(milliseconds, 100);
    assert.deepEqual(
      broker.asked.filter(({ api }) => api === 'Produce').map(({ node }) => node),
      [1, 1, 2],
    );
    assert.deepEqual(broker.partition('t', 0).values, ['a', 'b']);
    assert.deepEqual(setting.events, []);
  });

  test('reports an outage where the second try finds no leader either', async () => {
    const setting = setUp();
    setting.broker.script('Produce', KAFKA.NOT_LEADER_OR_FOLLOWER, KAFKA.NOT_LEADER_OR_FOLLOWER);
    assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered']);
  });

  test('waits for a partition that has no leader', async () => {
    const setting = setUp();
    await send(setting, messages('a'));
    setting.broker.partition('t', 0).leader = -1;
    setting.broker.script('Produce', KAFKA.LEADER_NOT_AVAILABLE);
    setting.clock.after(2_000, () => {
      setting.broker.partition('t', 0).leader = 1;
    });
    const { milliseconds } = await send(setting, messages('b'));
    assert.ok(milliseconds >= 2_000, String(milliseconds));
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b']);
  });
});

describe('a lane whose producer is refused', () => {
  for (const code of [
    KAFKA.OUT_OF_ORDER_SEQUENCE_NUMBER,
    KAFKA.UNKNOWN_PRODUCER_ID,
    KAFKA.INVALID_PRODUCER_EPOCH,
    KAFKA.INVALID_PRODUCER_ID_MAPPING,
    KAFKA.PRODUCER_FENCED,
  ])
    test(`goes on with a fresh one after error ${code}, and says that records may be there twice`, async () => {
      const setting = setUp();
      await send(setting, messages('a'));
      setting.broker.script('Produce', code);
      assert.deepEqual(refusalsOf(await send(setting, messages('b'))), []);
      assert.deepEqual(setting.events, ['duplicates TG_LOG_FENCED']);
      assert.deepEqual(sequences(setting.broker), [
        [1, 0],
        [1, 1],
        [2, 0],
      ]);
      assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b']);
      assert.equal(setting.counter('tidegate_lane_duplicates_possible_total'), 1);
    });

  test('takes one fresh producer for all partitions that were refused', async () => {
    const setting = setUp({ partitions: 2 });
    setting.broker.script('Produce', KAFKA.UNKNOWN_PRODUCER_ID);
    const keyed = ['a', 'b', 'c', 'd'].map((key) => new Message(Buffer.from(key), { key }));
    assert.deepEqual(refusalsOf(await send(setting, keyed)), []);
    assert.equal(setting.broker.of('InitProducerId').length, 2);
  });

  test('numbers only the partition anew that was refused: the other batch may be stored under its old number', async () => {
    const setting = setUp({ partitions: 2 });
    setting.broker.script('Produce', { 0: KAFKA.UNKNOWN_PRODUCER_ID, 1: KAFKA.CORRUPT_MESSAGE });
    const keyed = ['a', 'b', 'c', 'd'].map((key) => new Message(Buffer.from(key), { key }));
    assert.deepEqual(refusalsOf(await send(setting, keyed)), []);
    const byPartition = new Map<number, number[]>();
    for (const { partitions } of setting.broker.of('Produce'))
      for (const { partition, bytes } of partitions)
        byPartition.set(partition, [...(byPartition.get(partition) ?? []), Number(bytes.readBigInt64BE(43))]);
    assert.deepEqual(byPartition.get(0), [1, 2]);
    assert.deepEqual(byPartition.get(1), [1, 1]);
  });

  test('takes a duplicate for stored, without an offset', async () => {
    const setting = setUp();
    setting.broker.script('Produce', KAFKA.DUPLICATE_SEQUENCE_NUMBER);
    const sent = messages('a');
    assert.deepEqual(refusalsOf(await send(setting, sent)), []);
    assert.deepEqual([sent[0]?.topic, sent[0]?.partition, sent[0]?.offset], ['t', 0, -1]);
    assert.equal(setting.broker.of('Produce').length, 1);
  });

  test('waits while no broker gives it an id', async () => {
    const setting = setUp();
    setting.broker.script('InitProducerId', 'cut', 'silent');
    assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered']);
  });

  test('refuses all records where it may not have an id, and tries again with the next send', async () => {
    const setting = setUp();
    setting.broker.script('InitProducerId', KAFKA.CLUSTER_AUTHORIZATION_FAILED);
    assert.deepEqual(refusalsOf(await send(setting, messages('a', 'b'))), [
      [0, 'TG_NOT_AUTHORIZED'],
      [1, 'TG_NOT_AUTHORIZED'],
    ]);
    assert.deepEqual(refusalsOf(await send(setting, messages('c'))), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['c']);
    assert.equal(setting.counter('tidegate_lane_refused_total'), 2);
  });
});

describe('a lane whose records are refused', () => {
  test('finds the record that is refused, and stores the others in order under the free numbers', async () => {
    const setting = setUp();
    // All, the first half, the second half, its first record.
    setting.broker.script('Produce', KAFKA.INVALID_RECORD, 'ok', KAFKA.INVALID_RECORD, KAFKA.INVALID_RECORD, 'ok');
    const sent = messages('a', 'b', 'c', 'd');
    assert.deepEqual(refusalsOf(await send(setting, sent)), [[2, 'TG_RECORD_REFUSED']]);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b', 'd']);
    assert.deepEqual(
      sequences(setting.broker).map(([, sequence]) => sequence),
      [0, 0, 2, 2, 2],
    );
    assert.equal(setting.counter('tidegate_lane_retries_total'), 0);
    assert.equal(setting.counter('tidegate_lane_refused_total'), 1);
    assert.deepEqual(
      sent.map(({ offset }) => offset),
      [0, 1, -1, 2],
    );
  });

  test('tells a refused time of a sender from one of our clock', async () => {
    const setting = setUp();
    setting.broker.script('Produce', ...[1, 2, 3].map(() => KAFKA.INVALID_TIMESTAMP));
    const elsewhere = new Message(Buffer.from('a'), { timestamp: setting.clock.now() + 3_600_000 });
    assert.deepEqual(refusalsOf(await send(setting, [elsewhere, ...messages('b')])), [
      [0, 'TG_RECORD_REFUSED'],
      [1, 'TG_CLOCK_WRONG'],
    ]);
  });

  test('refuses all at once where it is not about records', async () => {
    const setting = setUp();
    setting.broker.script('Produce', KAFKA.TOPIC_AUTHORIZATION_FAILED);
    assert.deepEqual(refusalsOf(await send(setting, messages('a', 'b'))), [
      [0, 'TG_NOT_AUTHORIZED'],
      [1, 'TG_NOT_AUTHORIZED'],
    ]);
    assert.equal(setting.broker.of('Produce').length, 1);
    await send(setting, messages('c'));
    assert.deepEqual(sequences(setting.broker).at(-1), [1, 0], 'nothing was stored under these numbers');
  });

  test('returns refusals in the order of the send, whatever the order of the partitions', async () => {
    const setting = setUp({ partitions: 2 });
    setting.broker.script('Produce', KAFKA.POLICY_VIOLATION);
    const keyed = ['a', 'b', 'c', 'd'].map((key) => new Message(Buffer.from(key), { key }));
    const { refusals } = await send(setting, keyed);
    assert.deepEqual(
      refusals?.map(({ index }) => index),
      [0, 1, 2, 3],
    );
  });

  test('refuses a record that is too large before it is sent, and stores those beside it', async () => {
    const setting = setUp({ maxMessageBytes: 500 });
    const { refusals } = await send(setting, messages('a', 'x'.repeat(600), 'b'));
    assert.deepEqual(refusalsOf({ refusals: refusals ?? [] }), [[1, 'TG_RECORD_TOO_LARGE']]);
    assert.match(String(refusals?.[0]?.failure.message), /max.message.bytes 500/);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b']);
    assert.equal(setting.broker.of('Produce').length, 1);
  });

  test('asks again for a limit that it read more than two seconds ago', async () => {
    const setting = setUp({ maxMessageBytes: 500 });
    await send(setting, messages('a'));
    const large = messages('x'.repeat(600));
    await send(setting, large);
    assert.equal(setting.broker.of('DescribeConfigs').length, 1);
    (setting.broker.topics.get('t') as { maxMessageBytes: number }).maxMessageBytes = 1_000;
    setting.clock.advance(2_001);
    assert.deepEqual(refusalsOf(await send(setting, large)), []);
    assert.equal(setting.broker.of('DescribeConfigs').length, 2);
  });

  test('leaves the judgement to the broker where it cannot read the limit', async () => {
    const setting = setUp({ maxMessageBytes: 500 });
    const denied = KAFKA.TOPIC_AUTHORIZATION_FAILED;
    setting.broker.script('DescribeConfigs', denied, denied, denied, denied);
    const refused = refusalsOf(await send(setting, messages('a', 'x'.repeat(600))));
    assert.deepEqual(refused, [[1, 'TG_RECORD_TOO_LARGE']]);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
    assert.ok(setting.broker.of('Produce').length > 1);
  });

  test('sends smaller batches after one was refused as too large', async () => {
    const setting = setUp({ maxMessageBytes: 1_000 });
    await send(setting, messages('a'));
    // Lowered since the lane has read it.
    (setting.broker.topics.get('t') as { maxMessageBytes: number }).maxMessageBytes = 400;
    const values = Array.from({ length: 8 }, (_, index) => String(index).repeat(100));
    assert.deepEqual(refusalsOf(await send(setting, messages(...values))), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', ...values]);
    const before = setting.broker.of('Produce').length;
    await send(setting, messages(...values));
    assert.ok(
      batches(setting.broker)
        .slice(before)
        .every(({ length }) => length <= 400),
      'it has read the limit anew',
    );
  });
});

describe('a lane whose topic is not there', () => {
  test('refuses after five seconds, in which a topic that was just created may become known', async () => {
    const setting = setUp({ partitions: 0 });
    const { milliseconds, ...ended } = await send(setting, messages('a', 'b'));
    assert.deepEqual(refusalsOf(ended), [
      [0, 'TG_TOPIC_MISSING'],
      [1, 'TG_TOPIC_MISSING'],
    ]);
    assert.ok(milliseconds >= 5_000 && milliseconds <= 6_100, String(milliseconds));
    assert.deepEqual(setting.events, [], 'that is no outage');
    const again = await send(setting, messages('c'));
    assert.deepEqual(refusalsOf(again), [[0, 'TG_TOPIC_MISSING']]);
    assert.equal(again.milliseconds, 0, 'it is known to be missing');
  });

  test('writes to it once it is there, and gives the next absence five seconds again', async () => {
    const setting = setUp({ partitions: 0 });
    setting.clock.after(3_000, () => setting.broker.create('t'));
    assert.deepEqual(refusalsOf(await send(setting, messages('a'))), []);
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a']);
    setting.broker.topics.delete('t');
    const { milliseconds, ...ended } = await send(setting, messages('b'));
    assert.deepEqual(refusalsOf(ended), [[0, 'TG_TOPIC_MISSING']]);
    assert.ok(milliseconds >= 5_000 && milliseconds <= 6_100, String(milliseconds));
  });

  test('refuses at once where it may not write there', async () => {
    const setting = setUp();
    setting.broker.script('Metadata', KAFKA.TOPIC_AUTHORIZATION_FAILED);
    const { milliseconds, ...ended } = await send(setting, messages('a'));
    assert.deepEqual([refusalsOf(ended), milliseconds], [[[0, 'TG_NOT_AUTHORIZED']], 0]);
    assert.deepEqual(refusalsOf(await send(setting, messages('b'))), []);
  });

  test('waits while no broker can be asked for the topic, and reports that', async () => {
    const setting = setUp();
    setting.broker.nodes.clear();
    setting.clock.after(8_000, () => setting.broker.nodes.add(1));
    const { milliseconds, ...ended } = await send(setting, messages('a'));
    assert.deepEqual(refusalsOf(ended), []);
    assert.ok(milliseconds >= 8_000, 'longer than it waits for a topic that is missing');
    assert.deepEqual(setting.events, ['retrying TG_LOG_UNAVAILABLE', 'recovered']);
  });

  test('gives the records of a partition that is gone to the others when the topic was created again', async () => {
    const setting = setUp({ partitions: 4 });
    const keyed = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => new Message(Buffer.from(key), { key }));
    await send(setting, keyed);
    setting.broker.create('t', 1);
    const { milliseconds, ...ended } = await send(setting, keyed);
    assert.deepEqual(refusalsOf(ended), []);
    assert.deepEqual([...setting.broker.partition('t', 0).values].sort(), ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.ok(milliseconds < 5_000, 'its id shows that it is another topic');
    assert.ok(keyed.every(({ partition, offset }) => partition === 0 && offset >= 0));
  });

  test('believes for five seconds that a partition which is missing comes back', async () => {
    const setting = setUp({ partitions: 2 });
    await send(setting, messages('a'));
    const topic = setting.broker.topics.get('t');
    const [second] = topic?.partitions.splice(1) ?? [];
    setting.clock.after(2_000, () => topic?.partitions.push(second as never));
    assert.deepEqual(refusalsOf(await send(setting, messages('b'))), []);
    assert.deepEqual(setting.broker.partition('t', 1).values, ['b']);
  });

  test('writes to the others after that', async () => {
    const setting = setUp({ partitions: 2 });
    await send(setting, messages('a'));
    setting.broker.topics.get('t')?.partitions.splice(1);
    const { milliseconds, ...ended } = await send(setting, messages('b'));
    assert.deepEqual(refusalsOf(ended), []);
    assert.ok(milliseconds >= 5_000, String(milliseconds));
    assert.deepEqual(setting.broker.partition('t', 0).values, ['a', 'b']);
  });
});
