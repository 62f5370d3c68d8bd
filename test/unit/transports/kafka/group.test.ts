import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Batch } from '../../../../src/core/batch.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import type { GroupState } from '../../../../src/core/group-state.ts';
import type { Gap, GroupEvent, GroupOptions } from '../../../../src/core/log.ts';
import type { Message } from '../../../../src/core/message.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { KafkaGroupMember } from '../../../../src/transports/kafka/group/group.ts';
import { KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';
import { ScriptedBroker } from '../../../helpers/scripted-broker.ts';

const READ_TIMEOUT = 5_000;
/** As in Kafka's protocol; our code needs no names for them. */
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_COORDINATOR = 16;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Setting {
  readonly partitions?: number;
  readonly options?: Partial<GroupOptions>;
  /** Settled as it comes. */
  readonly settles?: boolean;
}

function setUp({ partitions = 1, options = {}, settles = true }: Setting = {}) {
  const broker = new ScriptedBroker();
  broker.create('t', partitions);
  const { clock } = broker;
  const stats = createStats();
  let left = 0;
  const member = new KafkaGroupMember(
    { group: 'g', topics: ['t'], from: 'earliest', ...options },
    {
      coordination: broker.cluster(READ_TIMEOUT),
      data: broker.cluster(READ_TIMEOUT),
      logger: createLogger({ level: 'silent' }),
      stats,
      clock,
      left: () => {
        left += 1;
      },
    },
  );
  const got: string[] = [];
  const open = new Map<string, Message>();
  const events: GroupEvent[] = [];
  const gaps: Gap[] = [];
  const state = { ended: false, gapsEnded: false, lefts: () => left };
  member.events$.subscribe((event) => events.push(event));
  member.gaps$.subscribe({
    next: (gap) => gaps.push(gap),
    complete: () => {
      state.gapsEnded = true;
    },
  });
  const subscribe = () =>
    member.batches$.subscribe({
      next: (batch: Batch) => {
        for (const message of batch.messages) {
          got.push(`${message.partition}/${message.offset} ${message.payload}`);
          if (settles) message.ack();
          else open.set(`${message.partition}/${message.offset}`, message);
        }
      },
      complete: () => {
        state.ended = true;
      },
    });
  /** Lets the clock run in small steps, and gives what was delivered meanwhile. */
  const after = async (milliseconds: number) => {
    await settle();
    for (let rest = milliseconds; rest > 0; rest -= 50) {
      clock.advance(Math.min(50, rest));
      await settle();
    }
    return got.splice(0);
  };
  const ack = (...places: string[]) => {
    for (const place of places) {
      const message = open.get(place);
      assert.ok(message !== undefined, `${place} was not delivered`);
      open.delete(place);
      message.ack();
    }
  };
  const committed = (partition = 0) => broker.group.committed.get(`t/${partition}`)?.offset;
  const types = () => events.splice(0).map(({ type }) => type);
  return { broker, clock, member, stats, open, events, gaps, state, subscribe, after, ack, committed, types };
}

const counter = ({ stats }: { stats: ReturnType<typeof createStats> }, name: 'tidegate_commits_total') =>
  stats.counter(name, { group: 'g' }).value;
const place = (partition: number) => ({ topic: 't', partition });
const names = (places: readonly { partition: number }[]) => places.map(({ partition }) => partition);
const assigned = (events: readonly GroupEvent[]) =>
  events.flatMap((event) =>
    event.type === 'assigned' ? [[names(event.partitions), names(event.added), names(event.removed)]] : [],
  );

describe('a member that joins', () => {
  test('reads only once it is subscribed to, and reports its assignment before the first record', async () => {
    const { broker, subscribe, after, events, member } = setUp({ partitions: 2, options: { label: 'one' } });
    broker.write('t', 0, 'a', 'b');
    assert.deepEqual(await after(1_000), []);
    assert.equal(broker.asked.length, 0);
    subscribe();
    assert.deepEqual(await after(0), ['0/0 a', '0/1 b']);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['joining', 'assigned'],
    );
    const [, event] = events;
    assert.ok(event?.type === 'assigned');
    assert.deepEqual([event.generation, event.members], [1, ['one']]);
    assert.deepEqual(assigned(events), [[[0, 1], [0, 1], []]]);
    assert.deepEqual([...member.topicIds()], [['t', broker.topics.get('t')?.id]]);
    const [join] = broker.of('JoinGroup');
    assert.deepEqual(
      [join.groupId, join.sessionTimeout, join.rebalanceTimeout, join.memberId, join.protocolType],
      ['g', 10_000, 10_000, '', 'consumer'],
    );
  });

  test('commits where it begins at once, so that the next owner does not look for a start of its own', async () => {
    const { broker, subscribe, after, committed } = setUp({ options: { from: 'latest' } });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    assert.deepEqual(await after(0), []);
    assert.equal(committed(), 2);
    broker.write('t', 0, 'c');
    assert.deepEqual(await after(0), ['0/2 c']);
  });

  test('begins behind what the group has committed', async () => {
    const { broker, subscribe, after } = setUp({ partitions: 2 });
    broker.write('t', 0, 'a', 'b');
    broker.write('t', 1, 'c', 'd');
    broker.group.committed.set('t/0', { offset: 1, metadata: '' });
    subscribe();
    assert.deepEqual((await after(0)).sort(), ['0/1 b', '1/0 c', '1/1 d']);
  });

  test('begins at the first record of a new topic where the commit was of one that is gone', async () => {
    const { broker, subscribe, after, gaps } = setUp();
    const gone = Buffer.alloc(16, 99).toString('base64url');
    broker.write('t', 0, 'a', 'b');
    broker.group.committed.set('t/0', { offset: 2, metadata: JSON.stringify({ topic_id: gone }) });
    subscribe();
    assert.deepEqual(await after(0), ['0/0 a', '0/1 b']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 2, to: 0, recreated: true }]);
  });

  test('begins at given offsets, at the first record of added partitions, and at the end of all others', async () => {
    const { broker, subscribe, after } = setUp({
      partitions: 4,
      options: { from: { offsets: { t: { 0: 1, 3: 1 } } } },
    });
    for (const partition of [0, 1, 2, 3]) broker.write('t', partition, 'a', 'b');
    const partitions = [0, 1, 2, 3].map(place);
    broker.group.assignment = { partitions, counts: new Map([['t', 4]]), addedFrom: new Map([['t', 2]]) };
    subscribe();
    assert.deepEqual((await after(0)).sort(), ['0/1 b', '2/0 a', '2/1 b', '3/1 b']);
  });

  test('begins in a topic that was created again, of which it has committed nothing, at the first record', async () => {
    const { broker, subscribe, after, gaps } = setUp({ partitions: 3, options: { from: 'latest' } });
    for (const partition of [0, 1, 2]) broker.write('t', partition, 'a');
    const gone = Buffer.alloc(16, 99).toString('base64url');
    broker.group.assignment = {
      partitions: [0, 1, 2].map(place),
      counts: new Map([['t', 3]]),
      addedFrom: new Map([['t', 2]]),
      recreated: new Map([['t', gone]]),
    };
    subscribe();
    assert.deepEqual((await after(200)).sort(), ['0/0 a', '1/0 a', '2/0 a']);
    assert.deepEqual(
      gaps.map(({ partition, recreated }) => [partition, recreated]),
      [
        [0, true],
        [1, true],
      ],
      'the third one was not there before',
    );
  });

  test('waits for a coordinator, and says why where it may not join', async () => {
    const { broker, subscribe, after, events } = setUp();
    broker.write('t', 0, 'a');
    broker.script('GroupCoordinator', COORDINATOR_NOT_AVAILABLE, 'cut');
    broker.script('JoinGroup', KAFKA.GROUP_AUTHORIZATION_FAILED);
    subscribe();
    assert.deepEqual(await after(5_000), []);
    const failed = events.find(({ type }) => type === 'failed');
    assert.ok(failed?.type === 'failed' && failed.reason.code === 'TG_NOT_AUTHORIZED');
    assert.deepEqual(await after(400), ['0/0 a'], 'it tries again all the same');
  });

  test('joins with the id that the broker gives it', async () => {
    const { broker, subscribe, after } = setUp();
    broker.script('JoinGroup', () => {
      broker.group.memberId = 'given';
      throw Object.assign(new Error('a member id is required'), { code: 79, memberId: 'given' });
    });
    subscribe();
    await after(0);
    assert.deepEqual(
      broker.of('JoinGroup').map(({ memberId }) => memberId),
      ['', 'given'],
    );
    assert.equal(broker.of('SyncGroup')[0].memberId, 'given');
  });

  for (const api of ['JoinGroup', 'SyncGroup', 'OffsetFetch', 'ListOffsets', 'Metadata'])
    for (const step of ['lost', 'silent', KAFKA.REBALANCE_IN_PROGRESS] as const)
      test(`loses nothing where ${api} ends with ${step}`, async () => {
        const { broker, subscribe, after } = setUp();
        broker.write('t', 0, 'a', 'b');
        broker.script(api, step);
        subscribe();
        assert.deepEqual(await after(6_000), ['0/0 a', '0/1 b']);
      });
});

describe('what is committed', () => {
  test('is the settled prefix without holes, once a second, and nothing where nothing is new', async () => {
    const setting = setUp({ settles: false });
    const { broker, subscribe, after, ack, committed } = setting;
    broker.write('t', 0, 'a', 'b', 'c', 'd');
    subscribe();
    await after(0);
    ack('0/0', '0/2');
    await after(1_000);
    assert.equal(committed(), 1);
    ack('0/1');
    await after(950);
    assert.equal(committed(), 1);
    await after(50);
    assert.equal(committed(), 3);
    const before = broker.of('OffsetCommit').length;
    await after(5_000);
    assert.equal(broker.of('OffsetCommit').length, before);
    assert.equal(counter(setting, 'tidegate_commits_total'), 3);
    const note = JSON.parse(String(broker.group.committed.get('t/0')?.metadata));
    assert.deepEqual(note, { topic_id: broker.topics.get('t')?.id });
  });

  test('does not go past a record that was nacked, until a seek reads it again', async () => {
    const { broker, subscribe, after, ack, committed, open, member } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b', 'c');
    subscribe();
    await after(0);
    ack('0/0', '0/2');
    open.get('0/1')?.nack(new TidegateError('TG_MESSAGE_INVALID', 'no'));
    await after(2_000);
    assert.equal(committed(), 1);
    const stale = open.get('0/1');
    member.seek(place(0), 1);
    assert.deepEqual(await after(100), ['0/1 b', '0/2 c']);
    assert.notEqual(open.get('0/1'), stale);
    ack('0/1', '0/2');
    await member.commit();
    assert.equal(committed(), 3);
  });

  test('is an error for the caller of a commit that the broker refuses, and committed later', async () => {
    const { broker, subscribe, after, ack, committed, member } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    ack('0/0');
    for (const step of [NOT_COORDINATOR, KAFKA.REBALANCE_IN_PROGRESS, KAFKA.ILLEGAL_GENERATION, 'cut'] as const) {
      broker.script('OffsetCommit', step);
      await assert.rejects(member.commit(), { code: 'TG_LOG_UNAVAILABLE' });
      assert.equal(committed(), 0);
    }
    await after(1_000);
    assert.equal(committed(), 1);
  });

  test('is sent again after a lost answer, by one request after the other', async () => {
    const { broker, subscribe, after, ack, committed, member, types } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(0);
    ack('0/0');
    broker.script('OffsetCommit', 'lost');
    const first = assert.rejects(member.commit());
    const second = member.commit();
    await Promise.all([first, second]);
    assert.deepEqual(
      broker.of('OffsetCommit').map(({ topics }) => topics[0].partitions[0].offset),
      ['0', '1', '1'],
    );
    assert.equal(committed(), 1);
    types();
    assert.deepEqual(await after(2_000), [], 'it is no reason to read anything again');
    assert.deepEqual(types(), []);
  });

  test('follows the coordinator to another broker', async () => {
    const { broker, subscribe, after, ack, committed, types } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    types();
    ack('0/0');
    broker.nodes.add(2);
    broker.coordinator = 2;
    broker.script('Heartbeat', NOT_COORDINATOR);
    await after(2_100);
    assert.equal(committed(), 1);
    const heartbeats = broker.asked.filter(({ api }) => api === 'Heartbeat').map(({ node }) => node);
    assert.deepEqual(heartbeats, [1, 2]);
    assert.deepEqual(types(), [], 'that is no reason to join again');
  });
});

describe('a member of a group that rebalances', () => {
  test('commits, joins again, and reads on in what it keeps as if nothing had happened', async () => {
    const { broker, subscribe, after, ack, committed, types, events, open } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(0);
    types();
    ack('0/0');
    broker.group.rebalance();
    let atJoin: number | undefined;
    broker.script('JoinGroup', () => {
      atJoin = committed();
    });
    assert.deepEqual(await after(1_000), []);
    assert.equal(atJoin, 1);
    assert.deepEqual(assigned(events), [[[0], [], []]]);
    assert.deepEqual(types(), ['rebalancing', 'assigned']);
    assert.ok(open.has('0/1'));
    ack('0/1');
    await after(1_000);
    assert.equal(committed(), 2, 'what was in flight still counts');
    assert.equal(broker.of('JoinGroup').length, 2);
  });

  test('reports its partitions to the leader', async () => {
    const { broker, subscribe, after } = setUp({ partitions: 2 });
    subscribe();
    await after(0);
    broker.group.rebalance();
    await after(1_000);
    const subscription = String(broker.of('JoinGroup')[1].groupProtocols[0].metadata);
    assert.match(subscription, /"owned":\{"t":\[0,1\]\}/);
    assert.match(subscription, /"generation":1/);
  });

  test('gives messages in flight of a partition that goes time to be settled, commits, and joins again', async () => {
    const { broker, subscribe, after, ack, committed, events, types } = setUp({ partitions: 2, settles: false });
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b', 'c');
    subscribe();
    await after(0);
    types();
    broker.group.assignment = { partitions: [place(0)], counts: new Map([['t', 2]]), isPartial: true };
    broker.group.rebalance();
    await after(1_200);
    assert.deepEqual(assigned(events), [], 'two records are in flight');
    broker.write('t', 1, 'd');
    assert.deepEqual(await after(100), [], 'nothing more is read of it');
    ack('1/0', '1/1');
    broker.group.assignment = { ...broker.group.assignment, isPartial: false };
    await after(0);
    assert.deepEqual(assigned(events).slice(0, 1), [[[0], [], [1]]]);
    assert.equal(committed(1), 2);
    assert.equal(broker.of('JoinGroup').length, 3, 'at once: others wait for it');
  });

  test('lets go after half a second of what is not settled; that settles later counts for nothing', async () => {
    const { broker, subscribe, after, ack, committed, events, member } = setUp({ partitions: 2, settles: false });
    broker.write('t', 1, 'b', 'c');
    subscribe();
    await after(100);
    ack('1/0');
    broker.group.assignment = { partitions: [place(0)], counts: new Map([['t', 2]]) };
    broker.group.rebalance();
    await after(1_350);
    assert.equal(assigned(events).length, 1);
    await after(150);
    assert.deepEqual(assigned(events).slice(1), [[[0], [], [1]]]);
    assert.equal(committed(1), 1);
    // The next owner is ahead.
    broker.group.committed.set('t/1', { offset: 2, metadata: '' });
    ack('1/1');
    await member.commit();
    await after(2_000);
    assert.equal(committed(1), 2);
  });

  test('reads a partition on that goes and comes back before it was let go of', async () => {
    const { broker, subscribe, after, types } = setUp({ partitions: 2, settles: false });
    broker.write('t', 1, 'b');
    subscribe();
    await after(0);
    types();
    broker.group.assignment = { partitions: [place(0)], counts: new Map([['t', 2]]) };
    broker.group.rebalance();
    // Its offsets cannot be asked for, so that it joins again.
    broker.script('OffsetFetch', () => {
      broker.group.assignment = { partitions: [place(0), place(1)], counts: new Map([['t', 2]]) };
      return 'cut' as const;
    });
    await after(1_200);
    broker.write('t', 1, 'c');
    assert.deepEqual(await after(200), ['1/1 c'], 'and nothing twice');
  });

  test('looks at once a tenth of a second for what is still to be assigned', async () => {
    const { broker, subscribe, after } = setUp();
    broker.group.assignment = { partitions: [], counts: new Map([['t', 1]]), isPartial: true };
    subscribe();
    await after(0);
    broker.write('t', 0, 'a');
    broker.group.assignment = { partitions: [place(0)], counts: new Map([['t', 1]]) };
    broker.group.rebalance();
    assert.deepEqual(await after(100), ['0/0 a']);
  });

  test('that leads notices partitions that were added, and reads them from the first record', async () => {
    const { broker, subscribe, after, events } = setUp({ options: { from: 'latest' } });
    subscribe();
    await after(0);
    const another = new ScriptedBroker().create('t', 1).partitions;
    broker.topics.get('t')?.partitions.push(...another);
    broker.write('t', 1, 'a');
    assert.deepEqual(await after(4_100), ['1/0 a']);
    assert.deepEqual(assigned(events).at(-1), [[0, 1], [1], []]);
  });
});

describe('a member that was expired', () => {
  for (const api of ['Heartbeat', 'OffsetCommit'] as const)
    test(`learns it by ${api} and comes back as a new one that reads on where no other member was`, async () => {
      const { broker, subscribe, after, ack, committed, types } = setUp({ settles: false });
      broker.write('t', 0, 'a', 'b');
      subscribe();
      await after(0);
      types();
      broker.group.expire();
      if (api === 'OffsetCommit') ack('0/0');
      assert.deepEqual(await after(1_100), [], 'nothing is read again');
      assert.deepEqual(types(), ['joining', 'assigned']);
      assert.deepEqual(
        broker.of('JoinGroup').map(({ memberId }) => memberId),
        ['', ''],
      );
      if (api === 'Heartbeat') ack('0/0');
      ack('0/1');
      await after(1_000);
      assert.equal(committed(), 2);
    });

  test('begins behind what another has committed meanwhile, and what it had in flight counts for nothing', async () => {
    const { broker, subscribe, after, ack, committed, events, open } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b', 'c');
    subscribe();
    await after(0);
    ack('0/0');
    const late = open.get('0/1');
    broker.group.expire();
    broker.group.committed.set('t/0', { offset: 2, metadata: '' });
    assert.deepEqual(await after(1_200), ['0/2 c']);
    assert.deepEqual(assigned(events).at(-1), [[0], [0], [0]]);
    late?.ack();
    await after(2_000);
    assert.equal(committed(), 2, 'never back, and not past what is in flight');
    ack('0/2');
    await after(1_000);
    assert.equal(committed(), 3);
  });

  test('commits nothing before it knows whether others had its partitions', async () => {
    const { broker, subscribe, after, ack, member, committed } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b', 'c');
    subscribe();
    await after(0);
    ack('0/0');
    broker.group.expire();
    broker.group.committed.set('t/0', { offset: 2, metadata: '' });
    // It has joined again and cannot read what is committed.
    broker.script('OffsetFetch', 'silent', 'silent');
    await after(1_200);
    await member.commit();
    assert.equal(committed(), 2);
    await after(12_000);
    assert.equal(committed(), 2);
  });

  test('keeps what it has where its own commit was the last, though the answer was lost', async () => {
    const { broker, subscribe, after, ack, events } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(0);
    ack('0/0');
    broker.script('OffsetCommit', 'lost');
    await after(1_000);
    broker.group.expire();
    assert.deepEqual(await after(2_000), []);
    assert.deepEqual(assigned(events).slice(1), [[[0], [], []]]);
  });
});

describe('what a member lets in', () => {
  test('stops at the limit of what may be unsettled, and goes on at half of it', async () => {
    const { broker, subscribe, after, ack } = setUp({ settles: false, options: { maxUnsettled: 4 } });
    broker.write('t', 0, 'a', 'b', 'c', 'd', 'e', 'f');
    subscribe();
    assert.deepEqual(await after(500), ['0/0 a', '0/1 b', '0/2 c', '0/3 d']);
    ack('0/0');
    assert.deepEqual(await after(500), []);
    ack('0/1');
    assert.deepEqual(await after(100), ['0/4 e', '0/5 f']);
  });

  test('is asked for, of one partition at a time; the others come again', async () => {
    const asked: number[] = [];
    const admit = (messages: readonly Message[]) => {
      asked.push(messages.length);
      return Math.min(2, messages.length);
    };
    const { broker, subscribe, after } = setUp({ options: { admit, maxUnsettled: 3 } });
    broker.write('t', 0, 'a', 'b', 'c', 'd', 'e');
    subscribe();
    assert.deepEqual(await after(0), ['0/0 a', '0/1 b', '0/2 c', '0/3 d', '0/4 e']);
    assert.deepEqual(asked, [3, 3, 1]);
  });

  test('is paused by partition or as a whole, and resumed so', async () => {
    const { broker, subscribe, after, member } = setUp({ partitions: 2 });
    subscribe();
    await after(0);
    member.pause([place(0)]);
    await after(100);
    broker.write('t', 0, 'a');
    broker.write('t', 1, 'b');
    assert.deepEqual(await after(300), ['1/0 b']);
    member.pause();
    await after(100);
    broker.write('t', 1, 'c');
    member.resume([place(0)]);
    assert.deepEqual(await after(300), []);
    member.pause([place(0)]);
    member.resume();
    assert.deepEqual((await after(100)).sort(), ['0/0 a', '1/1 c']);
  });

  test('stays paused where it is settled below the limit', async () => {
    const { broker, subscribe, after, ack, member } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    member.pause([place(0)]);
    await after(100);
    broker.write('t', 0, 'b');
    ack('0/0');
    assert.deepEqual(await after(500), []);
  });

  test('is nothing once the subscription has ended: nothing is fetched, and what is in flight can be settled', async () => {
    const { broker, subscribe, after, ack, committed, member } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    const subscription = subscribe();
    await after(0);
    subscription.unsubscribe();
    broker.write('t', 0, 'b');
    await after(100);
    const before = broker.of('Fetch').length;
    member.resume();
    assert.deepEqual(await after(1_000), []);
    assert.equal(broker.of('Fetch').length, before);
    ack('0/0');
    await member.commit();
    assert.equal(committed(), 1);
    let failure: unknown;
    member.batches$.subscribe({ error: (error) => (failure = error) });
    assert.ok(failure instanceof TidegateError && failure.code === 'TG_GROUP_FAILED', 'a member joins once');
    await member.leave();
  });

  test('shows in its lag and in the gauge, which go with the partition', async () => {
    const { broker, subscribe, after, ack, member, stats } = setUp({ settles: false, options: { maxUnsettled: 2 } });
    broker.write('t', 0, 'a', 'b', 'c');
    assert.deepEqual(member.lag(), new Map());
    subscribe();
    await after(100);
    assert.deepEqual(member.lag(), new Map([['t', new Map([[0, 1]])]]));
    const gauge = () =>
      stats
        .snapshot()
        .flatMap(({ name, points }) => (name === 'tidegate_consumer_lag' ? points.map((one) => ({ ...one })) : []));
    assert.deepEqual(gauge(), [{ labels: { topic: 't', partition: '0', group: 'g' }, value: 3 }]);
    ack('0/0');
    assert.equal((gauge()[0] as { value: number }).value, 2);
    await member.leave();
    assert.deepEqual(gauge(), []);
  });

  test('is not in the gauge before the end of the partition is known', async () => {
    const { broker, subscribe, after, stats } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    broker.script('Fetch', 'silent');
    const gauge = () => stats.snapshot().filter(({ name }) => name === 'tidegate_consumer_lag').length;
    subscribe();
    await after(100);
    assert.equal(gauge(), 0);
    await after(60_000);
    assert.equal(gauge(), 1);
  });

  test('was seen when the last answered heartbeat was sent', async () => {
    const { broker, subscribe, after, member } = setUp();
    assert.equal(member.silentFor(), Number.POSITIVE_INFINITY);
    subscribe();
    await after(0);
    assert.equal(member.silentFor(), 0);
    await after(1_500);
    assert.equal(member.silentFor(), 500);
    broker.script('Heartbeat', 'lost', 'silent');
    await after(2_000);
    assert.equal(member.silentFor(), 2_500);
  });

  test('knows when it saw the end of a partition, though heartbeats are answered while its leader is away', async () => {
    const { broker, subscribe, after, member } = setUp();
    broker.write('t', 0, 'a');
    assert.equal(member.sinceEnd(place(0)), undefined);
    subscribe();
    await after(500);
    const since = () => member.sinceEnd(place(0)) ?? Number.POSITIVE_INFINITY;
    assert.ok(since() <= 300, `${since()}`);
    for (let n = 0; n < 20; n += 1) broker.script('Fetch', 'silent');
    await after(4_000);
    assert.ok(since() >= 3_500, `${since()}`);
    assert.ok(member.silentFor() <= 2_500);
    await after(120_000);
    assert.ok(since() <= 300, `${since()}`);
  });

  test('was never seen by a group that has forgotten it, until that takes it in again', async () => {
    const { broker, subscribe, after, member } = setUp();
    subscribe();
    await after(0);
    broker.script('Heartbeat', KAFKA.UNKNOWN_MEMBER_ID);
    broker.script('JoinGroup', 'lost', 'lost');
    await after(1_000);
    assert.equal(member.silentFor(), Number.POSITIVE_INFINITY);
    await after(5_000);
    assert.ok(member.silentFor() <= 1_000);
  });
});

describe('records that are gone', () => {
  test('are a gap; what was in flight of them counts no more, and the group goes on behind', async () => {
    const { broker, subscribe, after, ack, committed, gaps, open, member } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    broker.write('t', 0, 'b');
    broker.write('t', 0, 'c');
    subscribe();
    await after(0);
    const late = open.get('0/0');
    broker.partition('t', 0).start = 2;
    member.seek(place(0), 0);
    assert.deepEqual(await after(200), ['0/2 c']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 0, to: 2 }]);
    late?.ack();
    await member.commit();
    assert.equal(committed(), 2);
    ack('0/2');
    await member.commit();
    assert.equal(committed(), 3);
  });

  test('with their topic are a gap; of the new one nothing is committed by the old one', async () => {
    const { broker, subscribe, after, ack, committed, gaps, open, member } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(0);
    const late = [...open.values()];
    const { id } = broker.create('t');
    broker.write('t', 0, 'c');
    assert.deepEqual(await after(200), ['0/0 c']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 2, to: 0, recreated: true }]);
    for (const message of late) message.ack();
    await member.commit();
    assert.equal(committed(), 0);
    ack('0/0');
    await member.commit();
    assert.equal(committed(), 1);
    assert.deepEqual(JSON.parse(String(broker.group.committed.get('t/0')?.metadata)), { topic_id: id });
    await after(3_000);
    assert.deepEqual([...member.topicIds()], [['t', id]], 'the leader has assigned anew');
  });

  test('without permission are reported as a failure', async () => {
    const { broker, subscribe, after, types } = setUp();
    broker.script('Fetch', KAFKA.TOPIC_AUTHORIZATION_FAILED);
    subscribe();
    await after(0);
    assert.deepEqual(types(), ['joining', 'assigned', 'failed']);
  });
});

describe('a member that leaves', () => {
  test('commits, leaves the group, and ends all its streams once', async () => {
    const { broker, subscribe, after, ack, committed, member, types, state, clock } = setUp({ settles: false });
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(0);
    types();
    ack('0/0');
    await Promise.all([member.leave(), member.leave()]);
    assert.equal(committed(), 1);
    assert.equal(broker.group.hasLeft, true);
    assert.deepEqual(types(), ['left']);
    assert.deepEqual([state.ended, state.gapsEnded, state.lefts()], [true, true, 1]);
    ack('0/1');
    // The fetch that was under way.
    await after(100);
    assert.equal(clock.pending, 0, 'no timer is left');
    await after(5_000);
    assert.equal(committed(), 1);
    assert.equal(broker.of('Heartbeat').length, 0);
  });

  test('waits two seconds at most for a coordinator that does not answer', async () => {
    const { broker, subscribe, after, ack, member, types } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    types();
    ack('0/0');
    broker.script('OffsetCommit', 'silent');
    const leaving = member.leave();
    await after(1_950);
    assert.deepEqual(types(), []);
    await after(50);
    await leaving;
    assert.deepEqual(types(), ['left']);
  });

  test('leaves where its commit is refused, and ends where leaving is', async () => {
    const { broker, subscribe, after, ack, member, types } = setUp({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    types();
    ack('0/0');
    broker.script('OffsetCommit', KAFKA.ILLEGAL_GENERATION);
    broker.script('LeaveGroup', KAFKA.UNKNOWN_MEMBER_ID);
    await member.leave();
    assert.equal(broker.of('LeaveGroup').length, 1);
    assert.deepEqual(types(), ['left']);
  });

  test('before it was subscribed to asks nothing, and cannot be subscribed to any more', async () => {
    const { broker, after, member, types } = setUp();
    await member.leave();
    let failure: unknown;
    member.batches$.subscribe({ error: (error) => (failure = error) });
    assert.ok(failure instanceof TidegateError && failure.code === 'TG_GROUP_FAILED');
    await after(1_000);
    assert.equal(broker.asked.length, 0);
    assert.deepEqual(types(), ['left']);
  });

  test('while it is assigned partitions takes none of them', async () => {
    const { broker, subscribe, after, member, types } = setUp();
    broker.write('t', 0, 'a');
    let leaving: Promise<void> | undefined;
    broker.script('OffsetFetch', () => {
      leaving = member.leave();
    });
    subscribe();
    assert.deepEqual(await after(3_000), []);
    await leaving;
    assert.deepEqual(types(), ['joining', 'left']);
  });
});

describe('a member with state', () => {
  const noteOf = (replay: number, through = 7) => ({ replay, watermark: 70, through });
  const metadata = (replay: number, through = 7) => JSON.stringify({ replay, wm: 70, through });

  /** Needs the last record of what it has settled. */
  function withState(setting: Setting = {}) {
    const calls: string[] = [];
    const kept = { through: 7 };
    const state: GroupState = {
      assigned: ({ partition }, committed, note) => {
        calls.push(`assigned ${partition} ${committed} ${JSON.stringify(note)}`);
        return note?.replay ?? committed;
      },
      note: (_, committable) => noteOf(Math.max(0, committable - 1), kept.through),
      revoked: ({ partition }) => void calls.push(`revoked ${partition}`),
    };
    const all = setUp({ ...setting, options: { ...setting.options, state } });
    const note = () => {
      const { topic_id: _, ...rest } = JSON.parse(all.broker.group.committed.get('t/0')?.metadata || '{}');
      return rest;
    };
    return { ...all, calls, kept, note };
  }

  test('replays first, commits behind it, and commits a note again that has changed', async () => {
    const { broker, subscribe, after, ack, committed, calls, kept, note, open } = withState({ settles: false });
    broker.write('t', 0, 'a', 'b', 'c', 'd');
    broker.group.committed.set('t/0', { offset: 3, metadata: metadata(1) });
    subscribe();
    assert.deepEqual(await after(0), ['0/1 b', '0/2 c', '0/3 d']);
    assert.deepEqual(calls, [`assigned 0 3 ${JSON.stringify(noteOf(1))}`]);
    assert.deepEqual(
      [...open.values()].map(({ isReplayed }) => isReplayed),
      [true, true, false],
    );
    ack('0/1', '0/3');
    await after(3_000);
    assert.equal(broker.of('OffsetCommit').length, 0, 'it still replays');
    ack('0/2');
    await after(1_000);
    assert.deepEqual([committed(), note()], [4, { replay: 3, wm: 70, through: 7 }]);
    await after(5_000);
    assert.equal(broker.of('OffsetCommit').length, 1, 'nothing has changed');
    kept.through = 8;
    await after(5_000);
    assert.equal(broker.of('OffsetCommit').length, 2);
    assert.deepEqual([committed(), note()], [4, { replay: 3, wm: 70, through: 8 }]);
  });

  test('leaves a gap where what it would replay is gone, and commits from where it was', async () => {
    const { broker, subscribe, after, committed, calls, gaps, note } = withState();
    broker.write('t', 0, 'a');
    broker.write('t', 0, 'b');
    broker.write('t', 0, 'c');
    broker.write('t', 0, 'd');
    broker.partition('t', 0).start = 2;
    broker.group.committed.set('t/0', { offset: 3, metadata: metadata(0) });
    subscribe();
    assert.deepEqual(await after(1_000), ['0/2 c', '0/3 d']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 0, to: 2 }]);
    assert.deepEqual(calls, [`assigned 0 3 ${JSON.stringify(noteOf(0))}`], 'its watermark stays');
    assert.deepEqual([committed(), note()], [4, { replay: 3, wm: 70, through: 7 }]);
  });

  test('takes no note of a topic that is gone', async () => {
    const { broker, subscribe, after, calls, committed } = withState();
    const gone = Buffer.alloc(16, 99).toString('base64url');
    broker.write('t', 0, 'a', 'b');
    const text = JSON.stringify({ topic_id: gone, replay: 1, wm: 70, through: 7 });
    broker.group.committed.set('t/0', { offset: 2, metadata: text });
    subscribe();
    assert.deepEqual(await after(1_000), ['0/0 a', '0/1 b']);
    assert.equal(calls.at(-1), 'assigned 0 0 undefined');
    assert.ok(!calls.some((call) => call.includes('replay')));
    assert.equal(committed(), 2);
  });

  test('begins anew where another has committed another note at the same offset', async () => {
    const { broker, subscribe, after, calls } = withState();
    broker.write('t', 0, 'a', 'b');
    subscribe();
    await after(1_000);
    broker.group.expire();
    broker.group.committed.set('t/0', { offset: 2, metadata: metadata(0, 9) });
    assert.deepEqual(await after(2_000), ['0/0 a', '0/1 b']);
    assert.deepEqual(calls.slice(1), ['revoked 0', `assigned 0 2 ${JSON.stringify(noteOf(0, 9))}`]);
  });

  test('sees that a partition goes once its last commit was made', async () => {
    const { broker, subscribe, after, ack, calls, member, committed } = withState({ settles: false });
    broker.write('t', 0, 'a');
    subscribe();
    await after(0);
    ack('0/0');
    const left = member.leave();
    await after(0);
    await left;
    assert.deepEqual([calls.at(-1), committed()], ['revoked 0', 1]);
    assert.equal(broker.of('OffsetCommit').at(-1).topics[0].partitions[0].offset, '1');
  });

  test('knows no lag before a fetch, nor where its position is behind the end', async () => {
    const { broker, subscribe, after, member } = withState();
    broker.write('t', 0, 'a', 'b');
    broker.group.committed.set('t/0', { offset: 2, metadata: '' });
    broker.script('Fetch', 'silent');
    subscribe();
    await after(100);
    assert.deepEqual(member.lag(), new Map());
    await after(6_000);
    const atEnd = new Map([['t', new Map([[0, 0]])]]);
    assert.deepEqual(member.lag(), atEnd);
    member.seek(place(0), 500);
    assert.deepEqual(member.lag(), new Map());
    assert.deepEqual(await after(500), ['0/0 a', '0/1 b']);
    assert.deepEqual(member.lag(), atEnd);
  });
});
