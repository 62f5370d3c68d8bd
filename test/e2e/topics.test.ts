import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

interface Stage {
  readonly kafka: KafkaAdmin;
  readonly brokers: string;
  readonly gateway: GatewayProcess;
  open(path?: string): Promise<TopicsClient>;
  /** A topic of its own, there already. */
  topic(name: string, partitions?: number): Promise<string>;
}

/** A gateway in a process of its own on a real Kafka: the example for S2's users, or another configuration. */
async function prepare(t: TestContext, config = 'config/examples/topics.yaml'): Promise<Stage | undefined> {
  const service = await requireKafka(t);
  if (service === undefined) return undefined;
  const { brokers } = service;
  const gateway = await startGateway(t, { config, env: { KAFKA_BROKERS: brokers } });
  const kafka = await KafkaAdmin.connect(t, brokers);
  await gateway.ready();
  return {
    kafka,
    brokers,
    gateway,
    open: (path) => TopicsClient.open(gateway.port, path),
    topic: async (name, partitions = 1) => {
      const topic = uniqueTopic(name);
      await kafka.create(topic, partitions);
      return topic;
    },
  };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index));
const values = (from: number, to: number) => numbers(from, to).map((value) => ({ value, partition: 0 }));

test('every message of the topic protocol is answered in its documented form', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { open } = stage;
  const names = [uniqueTopic('s2-a'), uniqueTopic('s2-b')];
  const sockets = [await open(), await open('/any/path?at=all')] as const;
  const [client] = sockets;
  /** The text of the reply, with its own `id` left out, which is a fresh number. */
  const reply = async (message: { id: number }) => {
    client.say(message);
    const { id } = await client.replyTo(message.id);
    const text = client.client.frames.map(String).find((frame) => frame.startsWith(`{"id":${id},`));
    return text?.replace(`"id":${id},`, '');
  };

  const created = await reply({ id: 1, t: 'topic', a: 'create', p: names } as never);
  assert.equal(created, `{"refid":1,"t":"topic","a":"create","s":0,"p":${JSON.stringify(names)}}`);

  const listed = JSON.parse((await reply({ id: 23, t: 'topic', a: 'list' } as never)) ?? '') as {
    s: number;
    p: { topic: string; partition: number }[];
  };
  assert.equal(listed.s, 0);
  const partitions = await stage.kafka.partitions(names[0] ?? '');
  assert.ok(partitions > 0);
  assert.deepEqual(
    listed.p.filter(({ topic }) => names.includes(topic)),
    // As many as the broker gives a topic for which nothing is asked.
    names.toSorted().flatMap((topic) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))),
  );
  assert.ok(listed.p.every(({ topic }) => !topic.startsWith('__')));

  const subscribed = await reply({
    id: 1000,
    t: 'topic',
    a: 'subscribe',
    p: { t: names, consumer_group: uniqueTopic('ingestion') },
  } as never);
  assert.equal(subscribed, `{"refid":1000,"t":"topic","a":"subscribe","p":${JSON.stringify(names)},"s":0}`);

  const frames = client.client.frames.length;
  client.say({ id: 1320, t: 'notif', a: 'create', p: { t: names[0], m: "{custom_message:'msg'}" } });
  await client.receives(1);
  client.say({ id: 1321, t: 'notif', a: 'create', p: { t: names[1], m: 12.5 } });
  await client.receives(2);
  client.say({ id: 1322, t: 'notif', a: 'create', p: { t: names[1], m: { a: [null, true] } } });
  await client.receives(3);
  const lists = client.client.frames.slice(frames).map(String);
  assert.ok(
    lists.every((list) => /^\[\{"id":\d+,"t":"notif","p":"(?:[^"\\]|\\.)*"\}\]$/.test(list)),
    lists.join('\n'),
  );
  assert.deepEqual(client.contents, ["{custom_message:'msg'}", '12.5', '{"a":[null,true]}']);
  assert.equal(lists.length, 3, 'what went well is not answered');

  const health = await reply({ id: 1500, t: 'health' } as never);
  const consumers = [
    { ws: 1, topics: names },
    { ws: 2, topics: [] },
  ];
  assert.equal(health, `{"refid":1500,"t":"health","s":0,"p":{"consumers":${JSON.stringify(consumers)}}}`);

  assert.equal(
    await reply({ id: 1300, t: 'topic', a: 'unsubscribe' } as never),
    '{"refid":1300,"t":"topic","a":"unsubscribe","s":0}',
  );
  const ids = client.frames.flatMap((frame) => ('id' in frame ? [frame.id] : frame.map(({ id }) => id)));
  assert.deepEqual(
    ids,
    numbers(1, ids.length + 1).map(Number),
    'every message has the number behind that of the one before',
  );
});

test('40,000 messages over one socket without waiting: none lost, all in order, memory bounded', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const COUNT = 40_000;
  const topic = await stage.topic('flood', 3);
  const client = await stage.open();
  // As S2's producer sends them: numbers, with an ID, and no wait for an answer.
  for (let n = 0; n < COUNT; n += 1) client.say({ id: n, t: 'notif', a: 'create', p: { t: topic, m: n } });
  const last = await client.publish(topic, 'the end');
  assert.equal(last.s, 0);
  const stored = await readTopic(stage.brokers, topic);
  assert.equal(stored.length, COUNT + 1);
  assert.deepEqual(
    stored
      .filter(({ value }) => value !== 'the end')
      .map(({ value }) => Number(value))
      .sort((a, b) => a - b),
    numbers(0, COUNT).map(Number),
  );
  for (const partition of [0, 1, 2]) {
    const own = stored.filter((one) => one.partition === partition && one.value !== 'the end');
    assert.ok(own.length > COUNT / 4, `${own.length} in partition ${partition}`);
    assert.ok(own.every(({ value }, at) => at === 0 || Number(value) > Number(own[at - 1]?.value)));
  }
  assert.equal(client.frames.length, 1, 'nothing is answered but the one that asked for it');
  const status = readFileSync(`/proc/${stage.gateway.process.pid}/status`, 'utf8');
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
  t.diagnostic(`peak ${peak.toFixed(0)} MiB`);
  assert.ok(peak < 300, `peak memory ${peak} MiB`);
});

test('subscriptions', { concurrency: 6 }, async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, open } = stage;
  /** Resolves with a client that is subscribed; the records come with their details. */
  const subscribe = async (p: Record<string, unknown>) => {
    const client = await open();
    const reply = await client.topic('subscribe', { detail: true, ...p });
    assert.equal(reply.s, 0, String(reply.p));
    return client;
  };

  /** Of the first partition, as the metrics tell it. */
  const lagOf = async (group: string, topic: string) => {
    const { body } = await stage.gateway.get('/metrics');
    const line = body.split('\n').find((one) => one.startsWith('tidegate_consumer_lag') && one.includes(`"${group}"`));
    assert.ok(line !== undefined, 'there is no such metric');
    assert.ok(line.includes(`topic="${topic}"`) && line.includes('partition="0"'), line);
    return Number(line.split(' ')[1]);
  };

  await Promise.all([
    t.test('a message is acknowledged by its position, and comes back with key, headers, place and time', async () => {
      const topic = await stage.topic('ack', 3);
      const client = await subscribe({ t: [topic], consumer_group: topic, from: 'earliest' });
      const begin = Date.now();
      const acks = [
        await client.publish(topic, { total: 12 }, { key: 'c-7', headers: { source: 'web', 'x-ä': 'ö' } }),
        await client.publish(topic, 'hello', { key: 'c-7' }),
        await client.publish(topic, 'no key'),
      ];
      await client.receives(3);
      const stored = await readTopic(stage.brokers, topic);
      for (const [at, { s, p }] of acks.entries()) {
        const { topic: where, partition, offset } = p as { topic: string; partition: number; offset: number };
        assert.deepEqual([s, where], [0, topic]);
        const record = stored.find((one) => one.partition === partition && one.offset === offset);
        assert.equal(record?.value, ['{"total":12}', 'hello', 'no key'][at]);
        assert.deepEqual([record?.key, record?.headers['x-ä']], [[`c-7`, 'c-7', undefined][at], ['ö'][at]]);
        const came = client.records.find((one) => one.partition === partition && one.offset === offset);
        const { id, timestamp, ...facts } = came ?? {};
        assert.ok(Number(id) > 0 && Number(timestamp) >= begin && Number(timestamp) <= Date.now());
        assert.deepEqual(facts, {
          t: 'notif',
          p: record?.value,
          topic,
          partition,
          offset,
          key: record?.key ?? null,
          headers: record?.headers,
        });
      }
      const [first, second] = acks.map(({ p }) => (p as { partition: number }).partition);
      assert.equal(first, second, 'one key, one partition');
      const theirs = await stage.topic('ack-theirs', 3);
      await kafka.produce(theirs, [{ key: 'c-7', value: 'x' }]);
      const [other] = await readTopic(stage.brokers, theirs);
      assert.equal(first, other?.partition, 'the partition that Kafka’s own clients choose');
    }),

    t.test('headers with one name several times and without a value come back in their order, as a list', async () => {
      const topic = await stage.topic('headers');
      const client = await subscribe({ t: [topic], consumer_group: topic, from: 'earliest' });
      const headers = [
        ['retry', '1'],
        ['1', null],
        ['retry', '2'],
        ['__proto__', 'own'],
        ['bytes', { base64: '/w==' }],
      ];
      await client.publish(topic, 'of a client', { headers });
      await kafka.produce(topic, [{ value: 'of kafkajs', headers: { b: ['1', '2'], a: 'x' } }]);
      await client.receives(2);
      assert.deepEqual(
        client.records.map(({ p, headers }) => [p, headers]),
        [
          ['of a client', headers],
          [
            'of kafkajs',
            [
              ['b', '1'],
              ['b', '2'],
              ['a', 'x'],
            ],
          ],
        ],
      );
    }),

    t.test('a topic is created with the partitions and settings that are asked for', async () => {
      const client = await open();
      const topic = uniqueTopic('made');
      const spec = { topic, partitions: 5, replication: 1, config: { 'retention.ms': 60_000 } };
      assert.deepEqual((await client.topic('create', [spec])).p, [topic]);
      await until(
        () => kafka.has(topic),
        30_000,
        () => `${topic} is not there`,
      );
      assert.equal(await kafka.partitions(topic), 5);
      const { resources } = await kafka.admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
      });
      assert.equal(resources[0]?.configEntries[0]?.configValue, '60000');
      assert.equal((await client.topic('create', [topic])).s, 0, 'a topic that is there already is no failure');
      const refused = await client.topic('create', [{ topic: uniqueTopic('made'), replication: 3 }]);
      assert.equal(refused.s, 1);
      assert.match(String(refused.p), /replication/i);
    }),

    t.test('a subscription starts at the earliest record, at the latest, or at given offsets', async () => {
      const topic = await stage.topic('from', 2);
      const old = [0, 1].flatMap((partition) => numbers(0, 10).map((value) => ({ value, partition })));
      await kafka.produce(topic, old);
      const [earliest, latest, offsets] = await Promise.all([
        subscribe({ t: topic, consumer_group: `${topic}-e`, from: 'earliest' }),
        subscribe({ t: topic, consumer_group: `${topic}-l`, from: 'latest' }),
        subscribe({ t: topic, consumer_group: `${topic}-o`, from: { [topic]: { 0: 7 } } }),
      ]);
      await kafka.produce(topic, [
        { value: 'new', partition: 0 },
        { value: 'new', partition: 1 },
      ]);
      await earliest.receives(22);
      await offsets.receives(5);
      await latest.receives(2);
      const of = (client: TopicsClient, partition: number) =>
        client.records.filter((one) => one.partition === partition).map(({ p }) => p);
      for (const partition of [0, 1]) {
        assert.deepEqual(of(earliest, partition), [...numbers(0, 10), 'new']);
        assert.deepEqual(of(latest, partition), ['new']);
      }
      assert.deepEqual(of(offsets, 0), ['7', '8', '9', 'new']);
      assert.deepEqual(of(offsets, 1), ['new'], 'a partition that is not named begins at the latest');
    }),

    t.test('the pongs of a client commit its records, and the group continues at that position', async () => {
      const topic = await stage.topic('pong');
      await kafka.produce(topic, values(0, 20));
      const first = await subscribe({ t: topic, consumer_group: topic, from: 'earliest' });
      await first.receives(20);
      await kafka.commits(topic, topic, [20]);
      first.kill();
      await kafka.produce(topic, values(20, 25));
      const second = await subscribe({ t: topic, consumer_group: topic, from: 'earliest' });
      await second.receives(5);
      assert.deepEqual(second.contents, numbers(20, 25));
      await kafka.commits(topic, topic, [25]);
    }),

    t.test('records of a client that answers no pings are not committed, and go to the next client', async () => {
      const topic = await stage.topic('silent', 2);
      const old = [0, 1].flatMap((partition) => numbers(0, 10).map((value) => ({ value, partition })));
      await kafka.produce(topic, old);
      const silent = await open();
      // What `ws` does by itself otherwise.
      silent.client.ws.pong = () => undefined;
      await silent.topic('subscribe', { t: topic, consumer_group: topic, from: 'earliest' });
      await silent.receives(20);
      const heir = await subscribe({ t: topic, consumer_group: topic });
      await heir.receives(10);
      const theirs = heir.records[0]?.partition;
      await kafka.commits(topic, topic, theirs === 0 ? [10, 0] : [0, 10]);
      silent.kill();
      await heir.receives(20);
      assert.deepEqual(heir.contents, [...numbers(0, 10), ...numbers(0, 10)]);
      await kafka.commits(topic, topic, [10, 10]);
    }),

    t.test('with "manual" only commits of the client count, for all records or up to an offset', async () => {
      const topic = await stage.topic('manual', 2);
      const old = [0, 1].flatMap((partition) => numbers(0, 10).map((value) => ({ value, partition })));
      await kafka.produce(topic, old);
      const request = { t: topic, consumer_group: topic, from: 'earliest', commit: 'manual' };
      const client = await subscribe(request);
      await client.receives(20);
      assert.equal((await client.topic('commit', [{ topic, partition: 1, offset: 4 }])).s, 0);
      await kafka.commits(topic, topic, [0, 4]);
      client.kill();
      const next = await subscribe(request);
      await next.receives(16);
      assert.deepEqual(
        next.records.filter(({ partition }) => partition === 1).map(({ offset }) => offset),
        [4, 5, 6, 7, 8, 9],
      );
      assert.equal((await next.topic('commit')).s, 0);
      await kafka.commits(topic, topic, [10, 10]);
      const stranger = await next.topic('commit', [{ topic, partition: 7, offset: 4 }]);
      assert.deepEqual([stranger.s, stranger.code], [1, 'TG_NOT_SUBSCRIBED']);
    }),

    t.test('seek moves back and forward', async () => {
      const topic = await stage.topic('seek');
      await kafka.produce(topic, values(0, 20));
      const client = await subscribe({ t: topic, consumer_group: topic, from: 'earliest' });
      await client.receives(20);
      assert.equal((await client.topic('seek', [{ topic, partition: 0, offset: 5 }])).s, 0);
      await client.receives(35);
      assert.deepEqual(client.contents.slice(20), numbers(5, 20));
      await client.topic('pause');
      await kafka.produce(topic, values(20, 26));
      assert.equal((await client.topic('seek', [{ topic, partition: 0, offset: 23 }])).s, 0);
      await client.topic('resume');
      await client.receives(38);
      assert.deepEqual(client.contents.slice(35), numbers(23, 26));
      await kafka.commits(topic, topic, [26]);
      const elsewhere = await client.topic('seek', [{ topic, partition: 1, offset: 0 }]);
      assert.deepEqual([elsewhere.s, elsewhere.code], [1, 'TG_NOT_SUBSCRIBED']);
    }),

    t.test('no record comes during a pause and none is missing after it; credit counts records', async () => {
      const topic = await stage.topic('pace');
      const request = { t: topic, from: 'earliest' };
      const [paused, credited, witness] = await Promise.all([
        subscribe({ ...request, consumer_group: `${topic}-p` }),
        subscribe({ ...request, consumer_group: `${topic}-c`, credit: 3 }),
        subscribe({ ...request, consumer_group: `${topic}-w` }),
      ]);
      assert.equal((await paused.topic('pause')).s, 0);
      await kafka.produce(topic, values(0, 10));
      await credited.receives(3);
      await witness.receives(10);
      // Two more round trips through Kafka: whatever was to come without leave has come.
      for (let n = 10; n < 12; n += 1) {
        await kafka.produce(topic, values(n, n + 1));
        await witness.receives(n + 1);
      }
      assert.deepEqual([paused.records.length, credited.records.length], [0, 3]);
      assert.equal((await paused.topic('resume')).s, 0);
      assert.equal((await credited.topic('credit', 4)).s, 0);
      await paused.receives(12);
      await credited.receives(7);
      assert.equal((await credited.topic('credit', { n: 2 })).s, 0);
      await credited.receives(9);
      await kafka.commits(`${topic}-c`, topic, [9]);
      await kafka.commits(`${topic}-p`, topic, [12]);
      // As of the last fetch, and what is held back is not fetched: of twelve records it may have seen ten.
      const lag = await lagOf(`${topic}-c`, topic);
      assert.ok(lag >= 1 && lag <= 3, `the lag is ${lag}`);
      assert.equal(await lagOf(`${topic}-p`, topic), 0);
      assert.deepEqual([paused.contents, credited.contents], [numbers(0, 12), numbers(0, 9)]);
    }),

    t.test('another subscription replaces the first, and its group is left', async () => {
      const topics = [await stage.topic('first'), await stage.topic('second')] as const;
      const client = await subscribe({ t: topics[0], consumer_group: topics[0], from: 'earliest' });
      await client.publish(topics[0], 'one');
      await client.receives(1);
      assert.equal((await client.topic('subscribe', { t: topics[1], consumer_group: topics[1] })).s, 0);
      const [before] = topics;
      await until(
        async () => (await kafka.members(before)) === 0,
        30_000,
        () => 'the group was not left',
      );
      assert.deepEqual(await kafka.committed(before, before), [1]);
      await client.publish(topics[0], 'two');
      await client.publish(topics[1], 'three');
      await client.receives(2);
      assert.deepEqual(client.contents, ['one', 'three']);
      assert.deepEqual(Object.keys(client.records.at(-1) ?? {}), ['id', 't', 'p'], 'it did not ask for details');
      assert.equal((await client.topic('unsubscribe')).s, 0);
      await client.publish(topics[1], 'four');
      const again = await client.topic('unsubscribe');
      assert.deepEqual([again.s, again.code], [1, 'TG_NOT_SUBSCRIBED']);
      assert.equal(client.records.length, 2);
    }),

    t.test('subscribing to a missing topic is an error, or waits for the topic', async () => {
      const client = await open();
      const topic = uniqueTopic('later');
      const missing = await client.topic('subscribe', { t: topic, consumer_group: topic });
      assert.deepEqual([missing.s, missing.code, missing.retryable], [1, 'TG_TOPIC_MISSING', false]);
      assert.match(String(missing.p), new RegExp(topic));
      const waiting = client.topic('subscribe', { t: topic, consumer_group: topic, wait: true, from: 'earliest' });
      const other = await open();
      assert.equal((await other.topic('create', [topic])).s, 0);
      assert.equal((await other.publish(topic, 'at last')).s, 0);
      assert.deepEqual((await waiting).p, [topic]);
      await client.receives(1);
      assert.deepEqual(client.contents, ['at last']);
    }),

    t.test('consumers of a group share its records; partitions move when one joins or leaves', async () => {
      const topic = await stage.topic('shared', 4);
      const request = { t: topic, consumer_group: topic, from: 'earliest' };
      const members = [await subscribe(request), await subscribe(request)] as const;
      const write = (from: number, to: number) =>
        kafka.produce(
          topic,
          numbers(from, to).map((value) => ({ value, partition: Number(value) % 4 })),
        );
      const all = () => members.flatMap(({ records }) => records);
      const partitions = (client: TopicsClient) => new Set(client.records.map(({ partition }) => partition));
      await write(0, 100);
      for (const member of members) await member.receives(50);
      assert.deepEqual(
        members.map(partitions).map(({ size }) => size),
        [2, 2],
      );
      assert.equal(new Set(all().map(({ p }) => p)).size, 100);
      await kafka.commits(topic, topic, [25, 25, 25, 25]);
      assert.equal(await kafka.members(topic), 1, 'one consumer for both');
      await members[0].topic('unsubscribe');
      await write(100, 200);
      await members[1].receives(150);
      assert.equal(new Set(all().map(({ p }) => p)).size, 200);
      assert.equal(all().length, 200, 'nothing comes twice when nothing is left unconfirmed');
    }),

    t.test("a tombstone is null, and a record that is not UTF-8 does not close the client's socket", async () => {
      const topic = await stage.topic('odd');
      const client = await subscribe({ t: topic, consumer_group: topic, from: 'earliest' });
      const odd = [null, Buffer.from([0x66, 0xff, 0x6f]), Buffer.from('')];
      await kafka.produce(topic, odd.map((value) => ({ key: 'k', value })) as never);
      await client.receives(3);
      assert.deepEqual(client.contents, [null, 'f\ufffdo', '']);
      assert.equal(client.closed, undefined);
    }),
  ]);
});

test('a gateway that stops commits what its clients have, and closes them with 1012', async (t) => {
  const stage = await prepare(t, 'test/fixtures/topics.yaml');
  if (stage === undefined) return;
  const { kafka, gateway } = stage;
  const topic = await stage.topic('stop', 3);
  const clients = await Promise.all(Array.from({ length: 5 }, () => stage.open('/open')));
  for (const client of clients) await client.topic('subscribe', { t: topic, consumer_group: topic, from: 'earliest' });
  await kafka.produce(
    topic,
    numbers(0, 3_000).map((value) => ({ value, partition: Number(value) % 3 })),
  );
  await until(
    () => clients.reduce((sum, { records }) => sum + records.length, 0) >= 3_000,
    30_000,
    () => 'not everything came',
  );
  assert.equal(await gateway.stop('SIGTERM'), 0);
  for (const client of clients) {
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 1012);
  }
  assert.deepEqual(await kafka.committed(topic, topic), [1_000, 1_000, 1_000]);
  assert.equal(await kafka.members(topic), 0);
  assert.equal(new Set(clients.flatMap(({ contents }) => contents)).size, 3_000);
});
