import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Gap, StartPosition } from '../../../../src/core/log.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { KafkaReader } from '../../../../src/transports/kafka/fetch/reader.ts';
import { KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';
import { ScriptedBroker } from '../../../helpers/scripted-broker.ts';

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function setUp(from: StartPosition, { partitions = 1, topics = ['t'], broker = new ScriptedBroker() } = {}) {
  if (partitions > 0) broker.create('t', partitions);
  const { clock } = broker;
  const got: string[] = [];
  const gaps: Gap[] = [];
  const state = { isLive: false, failure: undefined as unknown, ended: false, closed: 0 };
  /** A reader fixes its positions from its making on. */
  const begin = () => {
    const reader = new KafkaReader(
      { topics, from },
      {
        cluster: broker.cluster(),
        logger: createLogger({ level: 'silent' }),
        stats: createStats(),
        clock,
        closed: () => {
          state.closed += 1;
        },
      },
    );
    reader.live.then(
      () => {
        state.isLive = true;
      },
      () => undefined,
    );
    reader.gaps$.subscribe((gap) => gaps.push(gap));
    const subscribe = () =>
      reader.batches$.subscribe({
        next: ({ messages }) =>
          got.push(...messages.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`)),
        error: (failure) => {
          state.failure = failure;
        },
        complete: () => {
          state.ended = true;
        },
      });
    return { reader, subscribe };
  };
  const after = async (milliseconds: number) => {
    await settle();
    for (let rest = milliseconds; rest > 0; rest -= 50) {
      clock.advance(Math.min(50, rest));
      await settle();
    }
    return got.splice(0);
  };
  return { broker, state, gaps, begin, after };
}

describe('where a reader begins', () => {
  for (const [what, from, expected] of [
    ['the earliest record', 'earliest', ['t/0/1', 't/0/2', 't/0/3', 't/0/4']],
    ['the end', 'latest', []],
    ['the last three records', { last: 3 }, ['t/0/2', 't/0/3', 't/0/4']],
    ['as many as there are', { last: 30 }, ['t/0/1', 't/0/2', 't/0/3', 't/0/4']],
    ['a time', { timestamp: 3 }, ['t/0/3', 't/0/4']],
    ['a time behind all records', { timestamp: 30 }, []],
    ['an offset', { offsets: { t: { 0: 4 } } }, ['t/0/4']],
    ['the end, where another partition is named', { offsets: { t: { 1: 0 } } }, []],
    [
      'a checkpoint',
      { checkpoint: new Map([['t', { id: undefined, offsets: new Map([[0, 2]]) }]]) },
      ['t/0/2', 't/0/3', 't/0/4'],
    ],
  ] as const)
    test(`${what}, and what comes from then on`, async () => {
      const { broker, begin, after, gaps } = setUp(from);
      for (const value of ['a', 'b', 'c', 'd', 'e']) broker.write('t', 0, value);
      broker.partition('t', 0).start = 1;
      const { reader, subscribe } = begin();
      await after(0);
      await reader.live;
      subscribe();
      assert.deepEqual(await after(0), expected);
      broker.write('t', 0, 'f');
      assert.deepEqual(await after(0), ['t/0/5']);
      assert.deepEqual(gaps, []);
      assert.deepEqual(reader.positions(), new Map([['t', new Map([[0, 6]])]]));
      assert.deepEqual(
        reader.checkpoint(),
        new Map([['t', { id: broker.topics.get('t')?.id, offsets: new Map([[0, 6]]) }]]),
      );
    });

  test('misses nothing that is written between being live and being subscribed to', async () => {
    const { broker, begin, after, state } = setUp('latest');
    const { subscribe } = begin();
    await after(0);
    assert.equal(state.isLive, true);
    broker.write('t', 0, 'a');
    await after(1_000);
    subscribe();
    assert.deepEqual(await after(0), ['t/0/0']);
  });

  test('asks for nothing and delivers nothing before all positions are fixed', async () => {
    const { broker, begin, after, state } = setUp('earliest', { topics: ['t', 'u'] });
    broker.write('t', 0, 'a');
    broker.create('u');
    broker.script('ListOffsets', 'ok', 'cut', 'cut');
    begin().subscribe();
    assert.deepEqual(await after(0), []);
    assert.equal(state.isLive, false);
    assert.deepEqual(await after(400), ['t/0/0']);
    assert.equal(state.isLive, true);
  });

  test('reads a topic that is not there yet from its first record once it is', async () => {
    const { broker, begin, after, state } = setUp('latest', { partitions: 0 });
    begin().subscribe();
    await after(300);
    assert.equal(state.isLive, false, 'it may be known in a moment');
    await after(200);
    assert.equal(state.isLive, true);
    broker.create('t', 2);
    broker.write('t', 1, 'a');
    assert.deepEqual(await after(3_100), ['t/1/0']);
  });

  test('goes on from a checkpoint of a topic that is another one by now at the first record, and says so', async () => {
    const gone = Buffer.alloc(16, 99).toString('base64url');
    const { broker, begin, after, gaps } = setUp({
      checkpoint: new Map([['t', { id: gone, offsets: new Map([[0, 7]]) }]]),
    });
    broker.write('t', 0, 'a');
    begin().subscribe();
    assert.deepEqual(await after(0), ['t/0/0']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 7, to: 0, recreated: true }]);
  });
});

describe('a reader', () => {
  test('waits for brokers that are away, longer each time', async () => {
    const { broker, begin, after, state } = setUp('earliest');
    broker.write('t', 0, 'a');
    broker.script('Metadata', 'cut', 'cut', 'cut', 'silent');
    begin().subscribe();
    assert.deepEqual(await after(5_000), []);
    assert.equal(state.isLive, false);
    assert.deepEqual(await after(1_200), ['t/0/0']);
  });

  for (const [code, name] of [
    [KAFKA.TOPIC_AUTHORIZATION_FAILED, 'TG_NOT_AUTHORIZED'],
    [KAFKA.INVALID_TOPIC, 'TG_TOPIC_INVALID'],
  ] as const)
    test(`ends with ${name} where the topic is refused, for a subscriber that comes later too`, async () => {
      const { broker, begin, after, state } = setUp('earliest');
      broker.script('Metadata', code);
      const { reader, subscribe } = begin();
      await after(0);
      await assert.rejects(reader.live, { code: name });
      subscribe();
      assert.equal((state.failure as { code: string }).code, name);
    });

  test('ends where reading is refused later', async () => {
    const { broker, begin, after, state } = setUp('earliest');
    broker.script('Fetch', KAFKA.TOPIC_AUTHORIZATION_FAILED);
    begin().subscribe();
    await after(0);
    assert.equal((state.failure as { code: string }).code, 'TG_NOT_AUTHORIZED');
  });

  test('reads a partition that was added from its first record', async () => {
    const { broker, begin, after } = setUp('latest');
    begin().subscribe();
    await after(0);
    broker.topics.get('t')?.partitions.push(...new ScriptedBroker().create('t').partitions);
    broker.write('t', 1, 'a');
    assert.deepEqual(await after(3_100), ['t/1/0']);
  });

  test('keeps its positions through a broker that is silent for long: no record is lost or comes twice', async () => {
    const { broker, begin, after, gaps } = setUp('latest');
    begin().subscribe();
    await after(0);
    broker.script('Fetch', 'silent', 'silent', 'silent');
    await after(50);
    for (const value of ['a', 'b', 'c']) broker.write('t', 0, value);
    assert.deepEqual(await after(17_000), ['t/0/0', 't/0/1', 't/0/2']);
    assert.deepEqual(gaps, []);
  });

  test('knows its position in each partition of each topic', async () => {
    const { broker, begin, after } = setUp('earliest', { partitions: 2, topics: ['t', 'u'] });
    broker.create('u');
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b', 'c');
    const { reader, subscribe } = begin();
    subscribe();
    await after(200);
    const expected = {
      t: new Map([
        [0, 1],
        [1, 2],
      ]),
      u: new Map([[0, 0]]),
    };
    assert.deepEqual(reader.positions(), new Map(Object.entries(expected)));
  });

  test('is paused and resumed', async () => {
    const { broker, begin, after } = setUp('latest');
    const { reader, subscribe } = begin();
    subscribe();
    await after(0);
    reader.pause();
    await after(100);
    broker.write('t', 0, 'a');
    assert.deepEqual(await after(1_000), []);
    reader.resume();
    assert.deepEqual(await after(0), ['t/0/0']);
  });

  test('that is closed ends its streams, once, and asks for nothing more', async () => {
    const { broker, begin, after, state } = setUp('latest');
    const { reader, subscribe } = begin();
    subscribe();
    await after(0);
    await reader.close();
    await reader.close();
    assert.deepEqual([state.ended, state.closed], [true, 1]);
    const before = broker.asked.length;
    await after(10_000);
    assert.equal(broker.asked.length, before);
  });

  test('that is closed before it is live rejects with that reason', async () => {
    const { broker, begin, after } = setUp('latest');
    broker.nodes.clear();
    const { reader } = begin();
    await after(100);
    await reader.close();
    const rejected = assert.rejects(reader.live, { code: 'TG_LOG_UNAVAILABLE' });
    await after(1_000);
    await rejected;
  });

  test('whose subscription has ended fetches nothing more', async () => {
    const { broker, begin, after } = setUp('latest');
    const { reader, subscribe } = begin();
    const subscription = subscribe();
    await after(0);
    subscription.unsubscribe();
    await after(100);
    const before = broker.of('Fetch').length;
    await after(10_000);
    assert.equal(broker.of('Fetch').length, before);
    await reader.close();
  });
});
