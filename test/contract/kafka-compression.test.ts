import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { describeGap } from '../../src/core/gap-words.ts';
import type { Gap, Log } from '../../src/core/log.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import {
  Collector,
  createTopic,
  laneOf,
  numbers,
  offsetsOf,
  record,
  store,
  texts,
} from '../../src/testing/contract/fixture.ts';
import type { Compression } from '../../src/transports/kafka/compression/compression.ts';
import { createClient } from '../../src/transports/kafka/connection/client.ts';
import { Cluster } from '../../src/transports/kafka/connection/cluster.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';
import { decodeFetch, encodeFetch, FETCH_VERSION } from '../../src/transports/kafka/wire/fetch-request.ts';
import { requireKafka } from '../services/kafka.ts';
import { kafkaJars } from '../services/kafka-jars.ts';

/** The numbers in a batch's attributes. */
const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const COUNT = 2_000;

/** Lines that compress, and do not all look alike. */
const LINES = numbers(0, COUNT).map(
  (at) => `{"number":${at},"client":"client-${(at * 7_919) % 100}","text":"hello again"}`,
);

test('compression as Kafka itself has it', { timeout: 120_000 }, async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const errors: string[] = [];
  const log = await openLog(t, kafka.brokers, 'none', errors);

  await t.test("what Kafka's own producer compresses is read completely", async (t) => {
    const names = Object.keys(CODECS) as (keyof typeof CODECS)[];
    const topics = new Map<string, string>();
    for (const name of names) topics.set(name, await createTopic(t, log));
    // Two at a time: each is a JVM.
    for (const pair of [names.slice(0, 2), names.slice(2)]) {
      await Promise.all(pair.map((name) => produceByKafka(kafka.brokers, topics.get(name) as string, name)));
    }
    for (const [name, topic] of topics) {
      assert.deepEqual(await codecsOf(t, kafka.brokers, topic), [CODECS[name as keyof typeof CODECS]], name);
      const messages = await read(t, log, topic, COUNT);
      assert.deepEqual(texts(messages), LINES, name);
      assert.deepEqual(offsetsOf(messages), numbers(0, COUNT), name);
    }
    assert.deepEqual(errors, []);
  });

  await t.test("what is written compressed is read by Kafka's own consumer", async (t) => {
    const topics: string[] = [];
    const payload = LINES.reduce((sum, line) => sum + line.length, 0);
    for (const compression of ['gzip', 'snappy', 'lz4'] as const) {
      const stats = createStats();
      const writing = await openLog(t, kafka.brokers, compression, errors, stats);
      const topic = await createTopic(t, log);
      topics.push(topic);
      const lane = laneOf(t, writing, topic);
      await store(
        lane,
        LINES.slice(0, 1_200).map((line) => record(line)),
      );
      await store(
        lane,
        LINES.slice(1_200).map((line) => record(line)),
      );
      assert.deepEqual(await codecsOf(t, kafka.brokers, topic), [CODECS[compression]]);
      assert.ok(stats.counter('tidegate_lane_bytes_total', { topic }).value * 2 < payload, compression);
      assert.deepEqual(texts(await read(t, log, topic, COUNT)), LINES);
    }
    const consumed = await consumeByKafka(kafka.brokers, topics, COUNT * topics.length);
    assert.deepEqual(consumed.sort(), topics.flatMap(() => LINES).sort());
    assert.deepEqual(errors, []);
  });

  await t.test('a record larger than the topic takes is written where it is not so compressed, alone', async (t) => {
    const writing = await openLog(t, kafka.brokers, 'lz4', errors);
    const topic = await createTopic(t, log, { config: { 'max.message.bytes': '20000' } });
    const messages = [
      record('before'),
      record(Buffer.alloc(100_000, 'large ')),
      record(randomBytes(30_000)),
      record('behind'),
    ];
    const refusals = await laneOf(t, writing, topic).send(messages);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [[2, 'TG_RECORD_TOO_LARGE']],
    );
    const stored = await read(t, log, topic, 3);
    assert.deepEqual(
      stored.map(({ payload }) => payload.length),
      [6, 100_000, 6],
    );
  });

  await t.test(
    'a batch that holds more than may be is a gap with a reason, and reading goes on behind it',
    async (t) => {
      const writing = await openLog(t, kafka.brokers, 'gzip', errors);
      const topic = await createTopic(t, log);
      const lane = laneOf(t, writing, topic);
      await store(lane, [record('before')]);
      // Kafka's own producer could write it as well: 65 MiB that are 64 KiB for the broker.
      await store(lane, [record(Buffer.alloc(65 * 1_048_576))]);
      await store(lane, [record('behind')]);
      const gaps: Gap[] = [];
      const messages = await read(t, log, topic, 2, gaps);
      assert.deepEqual(texts(messages), ['before', 'behind']);
      assert.deepEqual(
        gaps.map(({ from, to }) => [from, to]),
        [[1, 2]],
      );
      assert.match(gaps[0]?.reason ?? '', /compressed with gzip.*holds more than 64MiB/);
      assert.deepEqual(errors, [], 'the gap is logged once, by its reader: the driver only reports it');
      const [gap] = gaps;
      assert.match(
        gap === undefined ? '' : describeGap(gap),
        new RegExp(`records 1-1 of ${topic}/0 cannot be read: compressed with gzip`),
      );
    },
  );
});

const noop = () => undefined;

/** Closed after the test. Lines of the level error are kept in `errors`. */
async function openLog(
  t: TestContext,
  brokers: string,
  compression: Compression,
  errors: string[],
  stats = createStats(),
): Promise<Log> {
  const error = (_: object, line: string) => void errors.push(line);
  const logger = { debug: noop, info: noop, warn: noop, error, child: () => logger } as Logger;
  const options = {
    brokers: brokers.split(','),
    client_id: 'contract',
    compression,
    logger,
    stats,
    clock: systemClock,
  };
  const log = createKafkaLog(options);
  await log.open();
  t.after(() => log.close());
  return log;
}

async function read(t: TestContext, log: Log, topic: string, count: number, gaps: Gap[] = []) {
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  t.after(() => reader.close());
  reader.gaps$.subscribe((gap) => gaps.push(gap));
  const messages = await new Collector(reader.batches$).atLeast(count);
  await reader.close();
  return messages;
}

/** The codecs of the batches that the broker gives of a topic's partition 0, each once. */
async function codecsOf(t: TestContext, brokers: string, topic: string): Promise<number[]> {
  const logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => logger } as Logger;
  const cluster = new Cluster(createClient({ brokers: brokers.split(','), clientId: 'look', logger }), 5_000);
  t.after(() => cluster.close());
  await cluster.refresh([topic]);
  const body = encodeFetch([{ topic, id: undefined, partition: 0, offset: 0 }], {
    maxWait: 100,
    maxBytes: 10_000_000,
    maxBytesPerPartition: 10_000_000,
  });
  const leader = await cluster.leader(topic, 0);
  const { partitions } = await leader.exchange('Fetch', FETCH_VERSION, body, decodeFetch);
  const records = partitions[0]?.records ?? Buffer.alloc(0);
  const codecs = new Set<number>();
  for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
    codecs.add(records.readInt16BE(at + 21) & 7);
  }
  return [...codecs];
}

function produceByKafka(brokers: string, topic: string, codec: string): Promise<string> {
  const options = ['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', codec];
  return runKafka('org.apache.kafka.tools.ConsoleProducer', options, LINES.map((line) => `${line}\n`).join(''));
}

async function consumeByKafka(brokers: string, topics: string[], count: number): Promise<string[]> {
  const options = ['--bootstrap-server', brokers, '--include', topics.join('|'), '--max-messages', String(count)];
  const output = await runKafka('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...options,
    '--from-beginning',
    '--timeout-ms',
    '30000',
  ]);
  return output.trim().split('\n');
}

/** Runs a tool of Kafka with `input` and resolves with what it prints. */
async function runKafka(tool: string, options: readonly string[], input = ''): Promise<string> {
  const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${await kafkaJars()}/*`];
  const child = spawn('java', [...jvm, tool, ...options], { stdio: 'pipe' });
  child.stdin.end(input);
  const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${tool} failed: ${complaints.slice(-2_000)}`);
  return output;
}
