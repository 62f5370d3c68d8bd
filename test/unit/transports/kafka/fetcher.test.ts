import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Gap } from '../../../../src/core/log.ts';
import type { Logger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { Fetcher } from '../../../../src/transports/kafka/fetch/fetcher.ts';
import { KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';
import { type Asked, ScriptedBroker } from '../../../helpers/scripted-broker.ts';

const READ_TIMEOUT = 5_000;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function setUp({ partitions = 1, fetchVersion = 13 } = {}) {
  const broker = new ScriptedBroker();
  broker.versions = { ...broker.versions, Fetch: fetchVersion };
  broker.create('t', partitions);
  const { clock } = broker;
  const cluster = broker.cluster(READ_TIMEOUT);
  await cluster.refresh(['t']);
  const got: string[] = [];
  const gaps: Gap[] = [];
  const events: string[] = [];
  /** Lines that an operator would see. */
  const lines: string[] = [];
  const note = (_facts: object, line: string) => void lines.push(line);
  const logger: Logger = { debug: () => undefined, info: note, warn: note, error: note, child: () => logger };
  const stats = createStats();
  const state = { take: Number.POSITIVE_INFINITY, onDeliver: () => {} };
  const fetcher = new Fetcher(
    cluster,
    {
      deliver: ({ partition }, messages) => {
        const taken = messages.slice(0, state.take);
        got.push(...taken.map(({ payload, offset }) => `${partition}/${offset} ${payload}`));
        state.onDeliver();
        return taken.length;
      },
      gap: (gap) => gaps.push(gap),
      moved: ({ position }, move) => events.push(`moved to ${position} ${move}`),
      refused: ({ code }) => events.push(`refused ${code}`),
      metadata: () => events.push('metadata'),
    },
    { logger, stats, clock },
  );
  /** Lets the clock run in small steps, and gives what was delivered meanwhile. */
  const after = async (milliseconds: number) => {
    await settle();
    for (let left = milliseconds; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      await settle();
    }
    return got.splice(0);
  };
  const counter = (name: Parameters<typeof stats.counter>[0]) => stats.counter(name, { topic: 't' }).value;
  const begin = (position = 0, partition = 0) => {
    fetcher.assign('t', partition, position, { id: cluster.topic('t')?.id });
    fetcher.start();
  };
  return { broker, clock, cluster, fetcher, gaps, events, lines, state, after, counter, begin };
}

const offsets = ({ payload }: Asked): number[] => payload.positions.map(({ offset }: { offset: number }) => offset);
const fetches = (broker: ScriptedBroker) => broker.asked.filter(({ api }) => api === 'Fetch');

describe('what is fetched', () => {
  for (const fetchVersion of [13, 11])
    test(`is delivered once and in order, by version ${fetchVersion} of the protocol`, async () => {
      const { broker, fetcher, after, begin } = await setUp({ partitions: 2, fetchVersion });
      broker.write('t', 0, 'a', 'b');
      broker.write('t', 1, 'c');
      begin(0, 0);
      begin(0, 1);
      assert.deepEqual((await after(0)).sort(), ['0/0 a', '0/1 b', '1/0 c']);
      broker.write('t', 0, 'd');
      assert.deepEqual(await after(0), ['0/2 d']);
      assert.deepEqual(await after(1_000), []);
      assert.deepEqual([fetcher.endOf('t', 0), fetcher.endOf('t', 1), fetcher.endOf('t', 2)], [3, 1, -1]);
      const { maxWait, isolation, maxBytes, positions } = broker.of('Fetch')[0];
      assert.deepEqual([maxWait, isolation], [100, 1]);
      assert.deepEqual([maxBytes, positions[0].maxBytes], [1_048_576, 262_144]);
    });

  for (const fetchVersion of [13, 11])
    test(`of several topics and partitions comes in one answer, by version ${fetchVersion} of the protocol`, async () => {
      const { broker, cluster, fetcher, after } = await setUp({ partitions: 2, fetchVersion });
      for (const topic of ['u', 'v']) broker.create(topic, 2);
      await cluster.refresh(['u', 'v']);
      for (const topic of ['t', 'u', 'v'])
        for (const partition of [0, 1]) {
          broker.write(topic, partition, topic);
          fetcher.assign(topic, partition, 0);
        }
      fetcher.checkIds();
      fetcher.start();
      assert.deepEqual((await after(0)).sort(), ['0/0 t', '0/0 u', '0/0 v', '1/0 t', '1/0 u', '1/0 v']);
      assert.deepEqual(fetches(broker).map(offsets), [
        [0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
      ]);
    });

  test('is asked for only once it was started, and by one loop', async () => {
    const { broker, fetcher, after, begin } = await setUp();
    broker.write('t', 0, 'a');
    fetcher.assign('t', 0, 0);
    assert.deepEqual(await after(500), []);
    begin();
    fetcher.start();
    assert.deepEqual(await after(1_000), ['0/0 a']);
    assert.ok(fetches(broker).length <= 12, 'each waits 100 ms');
  });

  test('begins at the position, in the middle of a batch too', async () => {
    const { broker, after, begin } = await setUp();
    broker.write('t', 0, 'a', 'b', 'c');
    begin(1);
    assert.deepEqual(await after(0), ['0/1 b', '0/2 c']);
  });

  test('and not taken is fetched again', async () => {
    const { broker, state, after, begin } = await setUp();
    broker.write('t', 0, 'a', 'b', 'c');
    state.take = 2;
    begin();
    const got = await after(0);
    assert.deepEqual(got, ['0/0 a', '0/1 b', '0/2 c']);
    assert.deepEqual(fetches(broker).slice(0, 2).map(offsets), [[0], [2]]);
  });

  test('is dropped where the partition was sought elsewhere, paused or not, while the fetch was in flight', async () => {
    const { broker, fetcher, after, begin } = await setUp();
    broker.write('t', 0, 'a', 'b', 'c');
    broker.script('Fetch', () => fetcher.assign('t', 0, 2));
    begin();
    assert.deepEqual(await after(0), ['0/2 c']);
  });

  test('is dropped where the partition was given up, or the fetcher closed', async () => {
    for (const end of ['unassign', 'close'] as const) {
      const { broker, fetcher, after, begin } = await setUp();
      broker.write('t', 0, 'a');
      broker.script('Fetch', () => (end === 'close' ? fetcher.close() : fetcher.unassign('t', 0)));
      begin();
      assert.deepEqual(await after(500), []);
      assert.equal(fetcher.has('t', 0), end === 'close');
      assert.equal(fetches(broker).length, 1);
    }
  });

  test('by a deliver that seeks counts for nothing: reading goes on where it sought', async () => {
    const { broker, fetcher, state, after, begin } = await setUp();
    broker.write('t', 0, 'a', 'b', 'c');
    let seeks = 1;
    state.onDeliver = () => {
      if (seeks-- > 0) fetcher.assign('t', 0, 1);
    };
    begin();
    assert.deepEqual(await after(0), ['0/0 a', '0/1 b', '0/2 c', '0/1 b', '0/2 c']);
  });

  test('in half is delivered as far as it goes, and the rest comes with the next fetch', async () => {
    const { broker, after, begin, gaps } = await setUp();
    broker.write('t', 0, 'a');
    broker.write('t', 0, 'b');
    const log = broker.partition('t', 0);
    const read = log.read.bind(log);
    let cuts = 1;
    log.read = (offset) => (cuts-- > 0 ? read(offset).subarray(0, read(offset).length - 3) : read(offset));
    begin();
    assert.deepEqual(await after(0), ['0/0 a', '0/1 b']);
    assert.deepEqual(fetches(broker).slice(0, 2).map(offsets), [[0], [1]]);
    assert.deepEqual(gaps, []);
  });

  test('and cannot be read is a gap with its reason, counted, and reading goes on behind it', async () => {
    const { broker, after, begin, gaps, lines, counter } = await setUp();
    broker.write('t', 0, 'a', 'b');
    broker.write('t', 0, 'c');
    const log = broker.partition('t', 0);
    const read = log.read.bind(log);
    log.read = (offset) => {
      const bytes = Buffer.from(read(offset));
      // The length of the first record.
      if (offset < 2) bytes[61] = 0x7f;
      return bytes;
    };
    begin();
    assert.deepEqual(await after(0), ['0/2 c']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 0, to: 2, reason: gaps[0]?.reason }]);
    assert.match(String(gaps[0]?.reason), /checksum/);
    assert.deepEqual(lines, [], 'the follower of the gaps logs them');
    assert.equal(counter('tidegate_reader_gap_records_total'), 2);
  });

  test('comes from each partition first in turn', async () => {
    const { broker, after, begin } = await setUp({ partitions: 3 });
    for (const partition of [0, 1, 2]) begin(0, partition);
    await after(600);
    const first = fetches(broker).map(({ payload }) => payload.positions[0].partition);
    const all = first.slice(-3);
    assert.deepEqual([...new Set(all)].sort(), [0, 1, 2]);
    assert.ok(
      fetches(broker)
        .slice(1)
        .every(({ payload }) => payload.positions.length === 3),
    );
  });
});

describe('a fetch that fails', () => {
  for (const step of ['cut', 'lost', 'silent', 'garbled'] as const)
    test(`is repeated from the same position: ${step}`, async () => {
      const { broker, after, begin, gaps, events } = await setUp();
      broker.write('t', 0, 'a', 'b');
      broker.script('Fetch', step);
      begin();
      assert.deepEqual(await after(step === 'silent' ? READ_TIMEOUT + 100 : 100), ['0/0 a', '0/1 b']);
      assert.deepEqual(fetches(broker).slice(0, 2).map(offsets), [[0], [0]]);
      assert.deepEqual(gaps, []);
      assert.ok(events.includes('metadata'), 'leaders are looked up');
    });

  test('again and again waits longer each time, up to a second, and starts afresh after a success', async () => {
    const { broker, clock, after, begin } = await setUp();
    const times: number[] = [];
    const cut = () => {
      times.push(clock.now());
      return 'cut' as const;
    };
    broker.script('Fetch', cut, cut, cut, cut, cut, cut, cut, 'ok', cut, cut);
    begin();
    await after(6_000);
    const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000, 1_100, 100], 'the one that succeeds has waited 100 ms');
  });

  test('in one partition gives what the other ones have', async () => {
    const { broker, fetcher, after, begin } = await setUp({ partitions: 2 });
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b');
    broker.script('Fetch', { 0: KAFKA.CORRUPT_MESSAGE });
    fetcher.assign('t', 1, 0);
    begin();
    assert.deepEqual(await after(0), ['1/0 b']);
    assert.deepEqual(await after(100), ['0/0 a'], 'after a pause');
  });

  test('by a broker that is gone is made of the one that leads now', async () => {
    const { broker, after, begin } = await setUp();
    broker.write('t', 0, 'a');
    begin();
    await after(0);
    broker.nodes.add(2);
    broker.partition('t', 0).leader = 2;
    broker.write('t', 0, 'b');
    assert.deepEqual(await after(200), ['0/1 b']);
    assert.equal(fetches(broker).at(-1)?.node, 2);
    assert.equal(fetches(broker).filter(({ node }) => node === 1).length, 2);
  });

  test('for want of a leader goes on once there is one', async () => {
    const { broker, after, begin } = await setUp();
    broker.partition('t', 0).leader = -1;
    begin();
    await after(200);
    broker.write('t', 0, 'a');
    broker.partition('t', 0).leader = 1;
    assert.deepEqual(await after(3_000), ['0/0 a'], 'metadata is read every three seconds');
  });

  test('for want of rights is reported and tried again after five seconds', async () => {
    const { broker, after, begin, events } = await setUp();
    broker.write('t', 0, 'a');
    broker.script('Fetch', KAFKA.TOPIC_AUTHORIZATION_FAILED);
    begin();
    assert.deepEqual(await after(4_950), []);
    assert.equal(events.filter((one) => one === 'refused TG_NOT_AUTHORIZED').length, 1);
    assert.deepEqual(await after(50), ['0/0 a']);
  });

  test('leaves a broker alone for as long as it asks', async () => {
    const { broker, after, begin } = await setUp();
    broker.throttle = 700;
    broker.write('t', 0, 'a');
    begin();
    await after(0);
    broker.throttle = 0;
    broker.write('t', 0, 'b');
    assert.deepEqual(await after(650), []);
    assert.deepEqual(await after(50), ['0/1 b']);
  });
});

describe('a position that is gone', () => {
  test('is a gap: reading goes on at the earliest record, after the move was reported', async () => {
    const { broker, after, begin, gaps, events, counter } = await setUp();
    broker.write('t', 0, 'a');
    broker.write('t', 0, 'b');
    broker.write('t', 0, 'c');
    broker.partition('t', 0).start = 2;
    begin(0);
    assert.deepEqual(await after(0), ['0/2 c']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 0, to: 2 }]);
    assert.deepEqual(events, ['moved to 2 on']);
    assert.equal(counter('tidegate_reader_gap_records_total'), 2);
  });

  test('because it is behind the end goes back to the earliest record, which counts no records', async () => {
    const { broker, after, begin, gaps, events, counter } = await setUp();
    broker.write('t', 0, 'a');
    begin(10);
    assert.deepEqual(await after(0), ['0/0 a']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 10, to: 0 }]);
    assert.ok(events.includes('moved to 0 back'));
    assert.equal(counter('tidegate_reader_gap_records_total'), 0);
  });

  test('and was sought elsewhere meanwhile is not moved', async () => {
    const { broker, fetcher, after, begin, gaps } = await setUp();
    broker.write('t', 0, 'a', 'b', 'c');
    broker.partition('t', 0).start = 1;
    broker.script('ListOffsets', () => fetcher.assign('t', 0, 2));
    begin(0);
    assert.deepEqual(await after(0), ['0/2 c']);
    assert.deepEqual(gaps, []);
  });

  test('is looked for again where the earliest offset cannot be asked', async () => {
    const { broker, after, begin, gaps } = await setUp();
    broker.write('t', 0, 'a');
    broker.write('t', 0, 'b');
    broker.partition('t', 0).start = 1;
    broker.script('ListOffsets', 'cut');
    begin(0);
    assert.deepEqual(await after(100), ['0/1 b']);
    assert.equal(gaps.length, 1);
  });
});

describe('a topic that was created again', () => {
  test('is read from its first record, and reported as a gap', async () => {
    const { broker, fetcher, after, begin, gaps, events, counter } = await setUp();
    broker.write('t', 0, 'a', 'b');
    begin();
    await after(0);
    const { id } = broker.create('t');
    broker.write('t', 0, 'c', 'd', 'e');
    assert.deepEqual(await after(200), ['0/0 c', '0/1 d', '0/2 e']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 2, to: 0, recreated: true }]);
    assert.ok(events.includes('moved to 0 recreated'));
    assert.equal(counter('tidegate_reader_recreated_partitions_total'), 1);
    assert.equal(fetcher.part({ topic: 't', partition: 0 })?.id, id);
  });

  test('with fewer partitions has those no more', async () => {
    const { broker, cluster, fetcher, after, begin } = await setUp({ partitions: 2 });
    begin(0, 0);
    begin(0, 1);
    await after(0);
    broker.create('t', 1);
    await cluster.refresh();
    fetcher.checkIds();
    assert.deepEqual([fetcher.has('t', 0), fetcher.has('t', 1)], [true, false]);
  });

  test('is noticed though nothing is fetched', async () => {
    const { broker, fetcher, after, begin, gaps } = await setUp();
    broker.write('t', 0, 'a');
    begin();
    await after(0);
    fetcher.hold(true);
    broker.create('t');
    await after(3_100);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 1, to: 0, recreated: true }]);
  });

  test('is not noticed where no id is known, and its id is kept from then on', async () => {
    const { broker, fetcher, after, gaps } = await setUp();
    broker.write('t', 0, 'a', 'b');
    fetcher.assign('t', 0, 1);
    fetcher.start();
    assert.deepEqual(await after(0), ['0/1 b']);
    assert.equal(fetcher.part({ topic: 't', partition: 0 })?.id, broker.topics.get('t')?.id);
    assert.deepEqual(gaps, []);
  });

  test('is waited for while it is gone', async () => {
    const { broker, after, begin, gaps } = await setUp();
    begin();
    await after(0);
    broker.topics.delete('t');
    assert.deepEqual(await after(1_000), []);
    broker.create('t');
    broker.write('t', 0, 'c');
    assert.deepEqual(await after(3_100), ['0/0 c']);
    assert.deepEqual(
      gaps.map(({ recreated }) => recreated),
      [true],
    );
  });
});

describe('a fetcher that is held or closed', () => {
  test('does not fetch from a partition that is paused, and does when it is resumed', async () => {
    const { broker, fetcher, after, begin } = await setUp({ partitions: 2 });
    fetcher.assign('t', 1, 0);
    fetcher.pause('t', 1, true);
    begin();
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b');
    assert.deepEqual(await after(300), ['0/0 a']);
    fetcher.pause('t', 1, false);
    assert.deepEqual(await after(100), ['1/0 b']);
    fetcher.pause('t', 0, true);
    fetcher.pause('t', 1, true);
    await after(200);
    const before = fetches(broker).length;
    await after(1_000);
    assert.equal(fetches(broker).length, before, 'there is nothing to ask for');
    broker.write('t', 0, 'c');
    fetcher.pause('t', 0, false);
    assert.deepEqual(await after(0), ['0/1 c']);
  });

  test('holds all partitions, those too that come later, and still knows how far behind it is', async () => {
    const { broker, fetcher, after, begin } = await setUp({ partitions: 2 });
    fetcher.hold(true);
    begin(0, 0);
    begin(0, 1);
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b', 'c');
    assert.deepEqual(await after(2_950), []);
    assert.equal(fetches(broker).length, 0);
    assert.deepEqual([fetcher.endOf('t', 0), fetcher.endOf('t', 1)], [-1, -1]);
    await after(100);
    assert.deepEqual([fetcher.endOf('t', 0), fetcher.endOf('t', 1)], [1, 2]);
    fetcher.hold(false);
    assert.deepEqual((await after(0)).sort(), ['0/0 a', '1/0 b', '1/1 c']);
  });

  test('looks at the ends of what is paused every three seconds, and a lost answer does no harm', async () => {
    const { broker, fetcher, after, begin } = await setUp();
    begin();
    await after(0);
    fetcher.pause('t', 0, true);
    await after(100);
    broker.write('t', 0, 'a');
    broker.script('ListOffsets', 'cut');
    await after(3_000);
    assert.equal(fetcher.endOf('t', 0), 0);
    await after(3_050);
    assert.equal(fetcher.endOf('t', 0), 1);
  });

  test('asks for nothing more once it is closed, and wakes what waits', async () => {
    const { broker, clock, fetcher, after, begin } = await setUp();
    broker.script('Fetch', 'cut');
    begin();
    await after(0);
    fetcher.close();
    await settle();
    assert.equal(clock.pending, 0, 'no timer is left');
    const before = broker.asked.length;
    await after(10_000);
    assert.equal(broker.asked.length, before);
    fetcher.start();
    await after(1_000);
    assert.equal(broker.asked.length, before);
  });

  test('reads metadata every three seconds', async () => {
    const { broker, fetcher, after, begin, events } = await setUp();
    begin();
    await after(2_950);
    assert.deepEqual(events, []);
    await after(50);
    assert.deepEqual(events, ['metadata']);
    fetcher.hold(true);
    await after(100);
    broker.script('Metadata', 'cut', 'ok');
    await after(5_900);
    assert.deepEqual(events, ['metadata', 'metadata'], 'and goes on after one that failed');
  });
});
