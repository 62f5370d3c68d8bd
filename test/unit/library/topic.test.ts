import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { Gateway, NewRecord, TopicRecord } from '../../../src/index.ts';
import { gatewayOf, MEMORY, next } from './rig.ts';

const ORDERS = {
  ...MEMORY,
  log: {
    ...MEMORY.log,
    topics: { orders: { partitions: 2 }, latest: { partitions: 1, config: { 'cleanup.policy': 'compact' } } },
  },
} as const;

async function started(t: TestContext): Promise<Gateway> {
  const gateway = await gatewayOf(t, ORDERS);
  await gateway.start();
  return gateway;
}

/** Reads a topic from now on; resolves once nothing is missed any more. */
async function reading(gateway: Gateway, topic: string) {
  const records: TopicRecord[] = [];
  let waiting = () => {};
  const live = next(gateway, 'consumer-ready', ({ topics }) => topics.includes(topic));
  let isComplete = false;
  const subscription = gateway.topic(topic).records$.subscribe({
    next: (record) => {
      records.push(record);
      waiting();
    },
    complete: () => {
      isComplete = true;
    },
  });
  await live;
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      waiting = () => (records.length >= count ? resolve() : undefined);
      waiting();
    });
  return { records, subscription, until, isComplete: () => isComplete };
}

const values = (records: readonly TopicRecord[]) => records.map(({ value }) => value?.toString() ?? null);

suite('publish', () => {
  test('gives the position of each record, in the order of the calls, from the moment of the start', async (t) => {
    const gateway = await gatewayOf(t, ORDERS);
    const starting = gateway.start();
    const topic = gateway.topic('orders');
    const positions = await Promise.all([1, 2, 3].map((n) => topic.publish({ key: 'one branch', value: `${n}` })));
    await starting;
    const [first] = positions;
    assert.deepEqual(
      positions.map(({ topic, partition, offset }) => [topic, partition, offset]),
      [0, 1, 2].map((offset) => ['orders', first?.partition, offset]),
    );
  });

  test('writes text, bytes, keys, headers, timestamps and tombstones as they are', async (t) => {
    const gateway = await started(t);
    const { records, until } = await reading(gateway, 'latest');
    const bytes = Buffer.from([0, 255, 128]);
    const topic = gateway.topic('latest');
    await topic.publish({ key: 'a', value: 'größer', headers: { source: 'test', raw: bytes }, timestamp: 1_234 });
    await topic.publish({ key: bytes, value: bytes });
    await topic.publish({ key: 'a', value: null });
    await until(3);
    const [first, second, third] = records;
    assert.deepEqual(first, {
      topic: 'latest',
      partition: 0,
      offset: 0,
      timestamp: 1_234,
      key: Buffer.from('a'),
      value: Buffer.from('größer'),
      headers: [
        ['source', Buffer.from('test')],
        ['raw', bytes],
      ],
    });
    assert.deepEqual([second?.key, second?.value, second?.headers], [bytes, bytes, []]);
    assert.deepEqual([third?.key?.toString(), third?.value, third?.offset], ['a', null, 2]);
  });

  test('keeps what it was given, whatever the program does with its buffer meanwhile', async (t) => {
    const gateway = await started(t);
    const { records, until } = await reading(gateway, 'orders');
    const buffer = Buffer.from('before');
    const written = gateway.topic('orders').publish({ value: buffer });
    buffer.fill('x');
    await written;
    await until(1);
    assert.deepEqual(values(records), ['before']);
  });

  test('rejects what the log refuses and what is no record, and goes on', async (t) => {
    const gateway = await started(t);
    const wrong = { value: 12 } as unknown as { value: string };
    await assert.rejects(gateway.topic('nowhere').publish({ value: 'x' }), { code: 'TG_TOPIC_MISSING' });
    await assert.rejects(gateway.topic('latest').publish({ value: 'x' }), { code: 'TG_RECORD_REFUSED' });
    for (const headers of [['source'], [['source']], [[1, 'x']], { source: 12 }, 'source', null, 5]) {
      const bad = { value: 'x', headers } as unknown as NewRecord;
      await assert.rejects(
        gateway.topic('orders').publish(bad),
        { code: 'TG_MESSAGE_INVALID' },
        JSON.stringify(headers),
      );
    }
    const large = { value: Buffer.alloc(2_000_000) };
    await assert.rejects(gateway.topic('orders').publish(large), { code: 'TG_RECORD_TOO_LARGE' });
    await assert.rejects(gateway.topic('orders').publish(wrong), { code: 'TG_MESSAGE_INVALID', message: /number/ });
    assert.equal((await gateway.topic('orders').publish({ value: 'fine' })).offset, 0);
  });

  test('rejects before the start and after the stop', async (t) => {
    const gateway = await gatewayOf(t, ORDERS);
    await assert.rejects(gateway.topic('orders').publish({ value: 'x' }), { code: 'TG_NOT_RUNNING' });
    await gateway.start();
    await gateway.topic('orders').publish({ value: 'the first' });
    const last = gateway.topic('orders').publish({ value: 'the last' });
    const stopped = gateway.stop();
    await assert.rejects(gateway.topic('orders').publish({ value: 'x' }), { code: 'TG_NOT_RUNNING' });
    assert.equal((await last).topic, 'orders');
    await stopped;
  });

  test('refuses what would wait without bound, and takes records again once those before are written', async (t) => {
    const gateway = await started(t);
    const topic = gateway.topic('orders');
    const written = Array.from({ length: 16_384 }, () => topic.publish({ value: 'x' }));
    await assert.rejects(topic.publish({ value: 'one too many' }), { code: 'TG_LIMIT_REACHED', message: /16384/ });
    await Promise.all(written);
    const large = Array.from({ length: 67 }, () => topic.publish({ value: Buffer.alloc(1_000_000) }));
    await assert.rejects(topic.publish({ value: Buffer.alloc(1_000_000) }), { code: 'TG_LIMIT_REACHED' });
    await Promise.all(large);
    assert.equal((await topic.publish({ value: 'y' })).topic, 'orders');
  });
});

suite('records$', () => {
  test('has one reader for all subscribers, from the first of them to the last', async (t) => {
    const gateway = await started(t);
    const topic = gateway.topic('orders');
    let readers = 0;
    gateway.on('consumer-ready', () => {
      readers += 1;
    });
    await topic.publish({ value: 'no one is there yet' });
    const one = await reading(gateway, 'orders');
    const others: TopicRecord[] = [];
    const other = topic.records$.subscribe((record) => others.push(record));
    await topic.publish({ value: 'for both' });
    await one.until(1);
    one.subscription.unsubscribe();
    await topic.publish({ value: 'for the other' });
    other.unsubscribe();
    assert.equal(readers, 1);
    await topic.publish({ value: 'no one is there any more' });
    const again = await reading(gateway, 'orders');
    await topic.publish({ value: 'for the one that came back' });
    await again.until(1);
    assert.equal(readers, 2);
    assert.deepEqual(values(one.records), ['for both']);
    assert.ok(!values(others).includes('no one is there any more'));
    assert.deepEqual(values(again.records), ['for the one that came back']);
  });

  test('waits for the start, and completes with the stop', async (t) => {
    const gateway = await gatewayOf(t, ORDERS);
    const live = reading(gateway, 'orders');
    await gateway.start();
    const { records, until, isComplete } = await live;
    await gateway.topic('orders').publish({ value: 'hello' });
    await until(1);
    assert.equal(isComplete(), false);
    await gateway.stop();
    assert.equal(isComplete(), true);
    assert.deepEqual(values(records), ['hello']);
    let isOver = false;
    gateway.topic('orders').records$.subscribe({
      complete: () => {
        isOver = true;
      },
    });
    assert.equal(isOver, true);
  });

  test('reads a topic that does not exist yet from its first record', async (t) => {
    const gateway = await gatewayOf(t, {
      ...ORDERS,
      listeners: { public: { port: 0 } },
      endpoints: { topics: { listener: 'public', path: '/', codec: 'topics', allow: { create: '*', write: '*' } } },
    });
    await gateway.start();
    const { records, until } = await reading(gateway, 'later');
    const client = new WebSocket(`ws://127.0.0.1:${gateway.ports().listeners.public}/`);
    t.after(() => client.terminate());
    client.on('open', () => client.send('{"t":"topic","a":"create","p":["later"]}'));
    client.on('message', () => client.send('{"t":"notif","a":"create","p":{"t":"later","m":"here I am"}}'));
    await until(1);
    assert.deepEqual(values(records), ['here I am']);
  });

  test('the same topic is the same object', async (t) => {
    const gateway = await gatewayOf(t, ORDERS);
    assert.equal(gateway.topic('orders'), gateway.topic('orders'));
    assert.equal(gateway.topic('orders').name, 'orders');
  });
});
