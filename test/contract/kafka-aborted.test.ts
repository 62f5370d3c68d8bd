import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs';
import { systemClock } from '../../src/core/clock.ts';
import type { Log } from '../../src/core/log.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import {
  createTopic,
  eventually,
  Joined,
  numbers,
  offsetsOf,
  openReader,
  pass,
  readAll,
  texts,
  uniqueName,
} from '../../src/testing/contract/fixture.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';
import { requireKafka } from '../services/kafka.ts';

/** Nearly what one fetch brings of a partition: several of them make an abort span fetches. */
const LARGE = 200_000;

interface Rig {
  readonly log: Log;
  producer(isTransactional: boolean): Promise<Producer>;
}

async function setUp(t: TestContext): Promise<Rig | undefined> {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return undefined;
  const brokers = kafka.brokers.split(',');
  const logger = createLogger({ level: 'silent' });
  const log = createKafkaLog({ brokers, client_id: 'aborted', logger, stats: createStats(), clock: systemClock });
  await log.open();
  t.after(() => log.close());
  const client = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  return {
    log,
    producer: async (isTransactional) => {
      const more = { transactionalId: uniqueName('producer'), maxInFlightRequests: 1, idempotent: true };
      const producer = client.producer(isTransactional ? more : {});
      await producer.connect();
      t.after(() => producer.disconnect());
      return producer;
    },
  };
}

/** What is in the topic, in the order of the offsets: values of records that no reader may see begin with `x`. */
class Written {
  readonly topic: string;
  /** Offsets of records that count. */
  readonly visible = new Map<number, string>();
  end = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  /** Sends by a producer or within a transaction of one. */
  async send(by: Pick<Producer, 'send'>, values: readonly string[], init: { size?: number; gzip?: boolean } = {}) {
    const { size = 0, gzip = false } = init;
    const messages = values.map((value) => ({ value: value.padEnd(size, '.'), partition: 0 }));
    const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None;
    const [placed] = await by.send({ topic: this.topic, messages, compression });
    const base = Number(placed?.baseOffset);
    for (const [at, value] of values.entries()) if (!value.startsWith('x')) this.visible.set(base + at, value);
    this.end = base + values.length;
  }

  /** The records that count from an offset on. */
  from(offset: number): string[] {
    return [...this.visible]
      .filter(([at]) => at >= offset)
      .sort(([one], [other]) => one - other)
      .map(([, value]) => value);
  }
}

/** Three producers whose transactions lie within each other, one that aborts over many fetches, and a plain one between. */
async function write({ log, producer }: Rig, t: TestContext): Promise<Written> {
  const written = new Written(await createTopic(t, log));
  const [plain, one, two, three] = await Promise.all([false, true, true, true].map(producer));
  if (!plain || !one || !two || !three) return assert.fail('all producers are there');
  const aborted = await one.transaction();
  await written.send(aborted, ['x1', 'x2']);
  await written.send(plain, ['a']);
  const committed = await two.transaction();
  await written.send(committed, ['b']);
  await written.send(aborted, ['x3'], { gzip: true });
  await written.send(committed, ['c', 'd'], { gzip: true });
  await aborted.abort();
  // The same producer commits next, while another one's transaction is open.
  const next = await one.transaction();
  await written.send(next, ['e']);
  await written.send(committed, ['f']);
  await next.commit();
  await committed.commit();
  const long = await three.transaction();
  for (let batch = 0; batch < 6; batch += 1) {
    await written.send(long, [`x-long-${batch}`], { size: LARGE });
    const between = await two.transaction();
    await written.send(between, [batch % 2 === 0 ? `g${batch}` : `x-between-${batch}`]);
    await (batch % 2 === 0 ? between.commit() : between.abort());
  }
  await written.send(plain, ['h']);
  await long.abort();
  const last = await three.transaction();
  await written.send(last, ['i']);
  await last.commit();
  return written;
}

const trimmed = (values: readonly string[]) => values.map((value) => value.replace(/\.+$/, ''));

test('readers and groups see no record of an aborted transaction, wherever they begin', async (t) => {
  const rig = await setUp(t);
  if (rig === undefined) return;
  const { log } = rig;
  const written = await write(rig, t);
  const { topic } = written;
  assert.equal(written.from(0).join(' '), 'a b c d e f g0 g2 g4 h i');
  const read = await readAll(t, log, topic);
  assert.deepEqual(trimmed(texts(read)), written.from(0));
  assert.deepEqual(
    offsetsOf(read),
    [...written.visible.keys()].sort((a, b) => a - b),
  );
  const group = uniqueName('group');
  const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest' });
  assert.deepEqual(trimmed(texts(await joined.seen.atLeast(written.visible.size))), written.from(0));
  for (const message of joined.seen.messages) message.ack();
  await joined.member.commit();
  const committed = (await log.admin.committed(group, topic)).get(0) ?? 0;
  assert.ok(committed > Math.max(...written.visible.keys()), String(committed));

  for (const offset of numbers(0, written.end)) {
    const expected = written.from(offset);
    const { reader, seen } = await openReader(t, log, [topic], { offsets: { [topic]: { 0: offset } } });
    await seen.atLeast(expected.length);
    assert.deepEqual(trimmed(texts(seen.messages)), expected, `from offset ${offset}`);
    await reader.close();
  }
});

test('a reader waits for the end of a transaction, and sees nothing of one that is aborted then', async (t) => {
  const rig = await setUp(t);
  if (rig === undefined) return;
  const written = new Written(await createTopic(t, rig.log));
  const [plain, one] = [await rig.producer(false), await rig.producer(true)];
  await written.send(plain, ['a']);
  const open = await one.transaction();
  await written.send(open, ['x1']);
  await written.send(plain, ['b']);
  const { seen } = await openReader(t, rig.log, [written.topic], 'earliest');
  await seen.atLeast(1);
  await pass(400);
  assert.deepEqual(texts(seen.messages), ['a'], 'what is behind an open transaction waits for it');
  await open.abort();
  assert.deepEqual(texts(await seen.atLeast(2)), ['a', 'b']);
});

test('compaction keeps the record that an aborted one of the same key would have replaced', async (t) => {
  const rig = await setUp(t);
  if (rig === undefined) return;
  const config = {
    'cleanup.policy': 'compact',
    'segment.ms': '500',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '0',
  };
  const topic = await createTopic(t, rig.log, { config });
  const [plain, one] = [await rig.producer(false), await rig.producer(true)];
  const send = (by: Pick<Producer, 'send'>, key: string, value: string) =>
    by.send({ topic, messages: [{ key, value, partition: 0 }] });
  await send(plain, 'k', 'gone');
  await send(plain, 'k', 'stays');
  const open = await one.transaction();
  await send(open, 'k', 'x');
  await open.abort();
  let last: string[] = [];
  await eventually(async () => {
    // A segment is closed when the next record comes.
    await send(plain, 'tick', 'tick');
    await pass(300);
    last = texts(await readAll(t, rig.log, topic)).filter((value) => value !== 'tick');
    assert.ok(!last.includes('x'));
    return !last.includes('gone');
  }, 'the topic is compacted');
  assert.deepEqual(last, ['stays']);
});
