import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedNames } from '../../../src/channels/feed/feed-names.ts';
import { FeedSuccession } from '../../../src/channels/feed/feed-succession.ts';
import { TopicFeed } from '../../../src/channels/feed/topic-feed.ts';
import type { TopicFeedOptions } from '../../../src/channels/feed/topic-feed-options.ts';
import { Batch } from '../../../src/core/batch.ts';
import type { ChannelPosition } from '../../../src/core/channel-position.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Checkpoint } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { partitionOfKey } from '../../../src/core/partitioner.ts';
import { compileExpression } from '../../../src/sdk/expression.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

const at = (offsets: readonly number[], id = 'id'): Checkpoint =>
  new Map([['t', { id, offsets: new Map(offsets.map((offset, partition) => [partition, offset])) }]]);

function feedRig({
  template = 'symbol.${! key }',
  isByKey = true,
  ...changes
}: Partial<TopicFeedOptions> & { template?: string } = {}) {
  const clock = new HandClock();
  const { logger, warnings } = keptLogger();
  const events: string[] = [];
  const topic = { partitions: 0, isAway: false };
  const inFlight: Message[] = [];
  let settle: () => void = () => {};
  const feed: TopicFeed = new TopicFeed({
    name: 'p',
    topic: 't',
    names: [new FeedNames(compileExpression(template))],
    isByKey,
    isDoubted: false,
    admin: {
      clusterId: async () => {
        if (topic.isAway) throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
        return 'cluster';
      },
      describe: async () => ({ name: 't', partitions: topic.partitions, maxMessageBytes: 1 }),
      offsets: async () => [{ partition: 0, earliest: 0, latest: 100 }],
    },
    channels: {
      attach: () => events.push('attach'),
      ended: (_, end) => events.push(`ended ${[0, 1, 2].flatMap((partition) => end.in(partition)?.offset ?? [])}`),
      gap: (_, { partition, offset }) => events.push(`gap ${partition}/${offset}`),
      detach: () => events.push('detach'),
      extend: (_, epoch, { partition, from }) =>
        events.push(`extend ${epoch === feed.placeOf('symbol.BTC')?.epoch} ${partition}/${from}`),
    },
    recoveries: undefined,
    settled: () =>
      new Promise((resolve) => {
        settle = resolve;
      }),
    inFlight: () => inFlight,
    known: () => events.push('known'),
    clock,
    logger,
    ...changes,
  });
  const pass = (partition: number, ...offsets: number[]) =>
    feed.passes(
      new Batch(offsets.map((offset) => new Message(Buffer.from('x'), { key: 'BTC', topic: 't', partition, offset }))),
    );
  const taken = () => events.splice(0);
  return { feed, clock, warnings, events, taken, topic, inFlight, pass, settle: () => settle() };
}

const place = ({ epoch: _, ...rest }: ChannelPosition) => rest;

test('a channel is in the partition of the key in its name, from where the reader was when it became live', async () => {
  const { feed, taken } = feedRig();
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  feed.live(() => at([10, 20, 30]));
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  await turn();
  assert.deepEqual(taken(), ['attach', 'known']);
  const partition = partitionOfKey('BTC', 3);
  const found = feed.placeOf('symbol.BTC');
  assert.ok(found !== undefined);
  assert.deepEqual(place(found), { partition, offset: 10 * (partition + 1) });
  assert.equal(feed.placeOf('symbol.')?.partition, partitionOfKey('', 3), 'its key is empty');
  for (const other of ['symbol', 'user.BTC', 'BTC', '']) assert.equal(feed.placeOf(other), undefined, other);
});

test('the epoch is the same on all gateways, and differs by topic, id, cluster and number of partitions', async () => {
  const epochs = new Set<string>();
  const epochFor = async (changes: Partial<TopicFeedOptions>, checkpoint: Checkpoint) => {
    const { feed } = feedRig(changes);
    feed.live(() => checkpoint);
    await turn();
    return feed.placeOf('symbol.BTC')?.epoch ?? '';
  };
  const first = await epochFor({}, at([1, 2]));
  assert.match(first, /^[A-Za-z0-9_-]{10}$/);
  assert.equal(await epochFor({}, at([5, 6])), first);
  const other = { clusterId: async () => 'other', describe: async () => undefined, offsets: async () => [] };
  epochs.add(first);
  epochs.add(await epochFor({}, at([1, 2, 3])));
  epochs.add(await epochFor({}, at([1, 2], 'other')));
  epochs.add(await epochFor({ admin: other }, at([1, 2])));
  assert.equal(epochs.size, 4);
});

test('positions begin with what comes after they are known, while the log is away they are not', async () => {
  const { feed, topic, clock, pass, taken } = feedRig();
  topic.isAway = true;
  feed.live(() => at([0]));
  await turn();
  assert.equal(pass(0, 0, 1, 2), false);
  topic.isAway = false;
  clock.advance(1_000);
  await turn();
  assert.deepEqual(taken(), ['attach', 'known']);
  assert.equal(feed.placeOf('symbol.BTC')?.offset, 3);
  assert.equal(pass(0, 3), true);
});

test('a topic with several partitions has no positions where the name does not say the partition', async () => {
  for (const [offsets, isOn] of [
    [[4], true],
    [[4, 5], false],
  ] as const) {
    const { feed, warnings, taken } = feedRig({ template: '${! json.to }', isByKey: false });
    feed.live(() => at(offsets));
    await turn();
    assert.deepEqual([feed.placeOf('any')?.offset, warnings().length], isOn ? [4, 0] : [undefined, 1]);
    assert.deepEqual(taken(), isOn ? ['attach', 'known'] : ['detach', 'known']);
  }
});

test('what lint has said of a topic with several partitions is not said again, what only records show is', async () => {
  const { feed, warnings, taken } = feedRig({ template: '${! json.to }', isByKey: false, isDoubted: true });
  feed.live(() => at([4, 5]));
  await turn();
  assert.deepEqual([feed.placeOf('any'), warnings(), taken()], [undefined, [], ['detach', 'known']]);
  const other = feedRig({ isDoubted: true });
  other.feed.live(() => at([4, 5]));
  await turn();
  other.pass(0, 4, 4);
  assert.equal(other.warnings().length, 1);
});

test('a record in another partition than its channel switches positions off for good, with one warning', async () => {
  const { feed, topic, warnings, pass } = feedRig();
  topic.partitions = 3;
  feed.live(() => at([0, 0, 0]));
  await turn();
  const record = new Message(Buffer.from('x'), { key: 'BTC', topic: 't', partition: 1, offset: 7 });
  feed.contradicted('symbol.BTC', record);
  feed.contradicted('symbol.BTC', record);
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  await turn();
  feed.live(() => at([9, 9, 9]));
  await turn();
  assert.deepEqual([feed.placeOf('symbol.BTC'), pass(0, 1)], [undefined, false]);
  assert.equal(warnings().length, 1);
  assert.match(warnings()[0] ?? '', /topic t .* record 7 of partition 1 is for the channel symbol.BTC,/);
});

test('where the topic has more partitions than it had, the contradiction begins another epoch', async () => {
  const { feed, topic, warnings, taken, pass } = feedRig();
  topic.partitions = 4;
  feed.live(() => at([0, 0, 0]));
  await turn();
  const before = feed.placeOf('symbol.BTC')?.epoch;
  pass(partitionOfKey('BTC', 4), 8);
  taken();
  feed.contradicted('symbol.BTC', new Message(Buffer.from('x'), { partition: 1, offset: 7 }));
  await turn();
  const found = feed.placeOf('symbol.BTC');
  assert.notEqual(found?.epoch, before);
  assert.deepEqual([found?.partition, warnings(), taken()], [partitionOfKey('BTC', 4), [], ['ended 0,0,9', 'attach']]);
});

test('a batch of a partition that is new begins another epoch', async () => {
  const { feed, pass, taken } = feedRig();
  feed.live(() => at([5, 5]));
  await turn();
  pass(0, 5, 9);
  pass(1, 6);
  taken();
  const batch = new Batch([new Message(Buffer.from('x'), { topic: 't', partition: 2, offset: 0 })]);
  feed.polled(batch, () => at([10, 7, 0]));
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  await turn();
  assert.deepEqual(taken(), ['ended 10,7', 'attach']);
  const offsets = ['a', 'b', 'c', 'd', 'e'].map((key) => feed.placeOf(`symbol.${key}`));
  for (const found of offsets) assert.equal(found?.offset, [10, 7, 0][found?.partition ?? -1]);
  // A batch of partitions that are known changes nothing.
  feed.polled(batch, () => assert.fail('asked again'));
});

test('a channel that others send records to as well switches positions off, with one warning', async () => {
  const { feed, warnings, taken } = feedRig();
  feed.live(() => at([5]));
  await turn();
  taken();
  for (const channel of ['symbol.BTC', 'symbol.ETH']) feed.mixed(channel);
  assert.deepEqual([taken(), feed.placeOf('symbol.BTC')], [['ended 5', 'detach'], undefined]);
  assert.match(
    warnings().join(),
    /^channels of the topic t have no positions, .*: the channel symbol.BTC gets records/,
  );
});

test('records that come twice or in another order switch positions off', async () => {
  const { feed, pass, warnings, taken } = feedRig();
  feed.live(() => at([5]));
  await turn();
  assert.equal(pass(0, 5, 6, 9), true);
  taken();
  assert.equal(pass(0, 9), false);
  assert.deepEqual(taken(), ['ended 10', 'detach']);
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  assert.match(warnings()[0] ?? '', /record 9 of partition 0 came behind a later one, or twice/);
});

test('a gap is passed on behind the records in front of it, and before those behind it', async () => {
  const { feed, pass, settle, taken } = feedRig();
  feed.live(() => at([0, 0]));
  await turn();
  pass(1, 0, 1);
  taken();
  feed.gap({ topic: 't', partition: 1, from: 4, to: 9 }, () => at([0, 9]));
  pass(1, 2, 3);
  assert.deepEqual(taken(), []);
  pass(1, 9);
  assert.deepEqual(taken(), ['gap 1/9']);
  settle();
  await turn();
  feed.gap({ topic: 't', partition: 0, from: 0, to: 5 }, () => at([5, 10]));
  assert.deepEqual(taken(), []);
  settle();
  await turn();
  assert.deepEqual(taken(), ['gap 0/5']);
  assert.equal(pass(0, 5), true);
});

test('after the pipeline broke, what was in flight is a gap', async () => {
  const { feed, pass, taken } = feedRig();
  feed.live(() => at([0, 0]));
  await turn();
  pass(0, 0, 1, 2);
  taken();
  feed.live(() => at([7, 0]));
  assert.deepEqual(taken(), ['gap 0/7']);
  assert.equal(pass(0, 7), true);
});

test('records that were settled without a client before the pipeline broke are no gap, those in flight are', async () => {
  const { feed, inFlight, pass, taken } = feedRig();
  const reader = [0, 0, 0];
  feed.live(() => at(reader));
  await turn();
  pass(0, 0, 1, 2);
  taken();
  reader.splice(0, 3, 7, 4, 9);
  for (const offset of [5, 6]) inFlight.push(new Message(Buffer.from('x'), { topic: 't', partition: 2, offset }));
  feed.breaking();
  inFlight.length = 0;
  feed.breaking();
  feed.live(() => at(reader));
  assert.deepEqual(taken(), ['gap 2/9']);
  assert.deepEqual([pass(0, 7), pass(1, 4), pass(2, 9)], [true, true, true]);
});

test('a client that is ahead waits for records that come, and for those that are in flight or filtered', async () => {
  const { feed, clock, inFlight, pass } = feedRig();
  const reader = [5];
  feed.live(() => at(reader));
  await turn();
  const { epoch = '' } = feed.placeOf('symbol.BTC') ?? {};
  const results: unknown[] = [];
  const { signal } = new AbortController();
  const wait = (offset: number, of = epoch) =>
    void feed.reaches({ epoch: of, partition: 0, offset }, signal).then((isThere) => results.push([offset, isThere]));
  for (const offset of [7, 9, 101]) wait(offset);
  wait(8, 'other');
  await turn();
  assert.deepEqual(results.splice(0), [
    [8, undefined],
    [101, false],
  ]);
  pass(0, 5, 6);
  await turn();
  assert.deepEqual(results.splice(0), [[7, true]]);
  reader[0] = 9;
  inFlight.push(new Message(Buffer.from('x'), { topic: 't', partition: 0, offset: 8 }));
  clock.advance(10);
  await turn();
  assert.deepEqual(results, []);
  inFlight.length = 0;
  clock.advance(10);
  await turn();
  assert.deepEqual(results.splice(0), [[9, true]]);
  wait(50);
  await feed.close();
  wait(51);
  await turn();
  assert.deepEqual(results, [
    [50, undefined],
    [51, undefined],
  ]);
});

test('a topic that was created anew is another epoch, once nothing of the old one is in flight', async () => {
  const { feed, pass, settle, taken } = feedRig();
  feed.live(() => at([100], 'old'));
  await turn();
  const before = feed.placeOf('symbol.BTC')?.epoch;
  taken();
  feed.gap({ topic: 't', partition: 0, from: 100, to: 0, recreated: true }, () => at([3], 'new'));
  assert.equal(feed.placeOf('symbol.BTC'), undefined);
  assert.equal(pass(0, 99), false);
  settle();
  await turn();
  const found = feed.placeOf('symbol.BTC');
  assert.deepEqual([found?.offset, found?.epoch === before, taken()], [3, false, ['ended 100', 'attach']]);
  assert.equal(pass(0, 3), true);
});

test('a log that has lost records at its end has no positions any more', async () => {
  const { feed, warnings } = feedRig();
  feed.live(() => at([100]));
  await turn();
  feed.gap({ topic: 't', partition: 0, from: 100, to: 50 }, () => at([50]));
  assert.deepEqual([feed.placeOf('symbol.BTC'), warnings().length], [undefined, 1]);
});

test('a position of another epoch is not read again, nor one that is asked for too early or too late', async () => {
  const { feed } = feedRig();
  const ask = (epoch: string) =>
    feed.readAgain({
      channel: 'symbol.BTC',
      since: { epoch, partition: 0, offset: 0 },
      until: 1,
      bytes: 1,
      signal: new AbortController().signal,
    });
  assert.deepEqual(await ask('x'), { lost: 'unavailable' });
  feed.live(() => at([1]));
  await turn();
  assert.deepEqual(await ask('x'), { lost: 'epoch' });
  await feed.close();
  assert.notEqual(feed.placeOf('symbol.BTC'), undefined);
  feed.detach();
  assert.deepEqual([feed.placeOf('symbol.BTC'), await ask('x')], [undefined, { lost: 'unavailable' }]);
});

test('a feed whose pipeline is gone learns nothing more', async () => {
  const { feed, taken } = feedRig();
  feed.live(() => at([1]));
  await feed.close();
  await turn();
  assert.deepEqual([taken(), feed.placeOf('symbol.BTC')], [['known'], undefined]);
});

test('a pipeline that is gone leaves its channels where records were settled, also those of no client', async () => {
  const { feed, inFlight, pass, taken } = feedRig();
  const reader = [0, 0, 0];
  feed.live(() => at(reader));
  await turn();
  pass(0, 0, 1, 2);
  taken();
  reader.splice(0, 3, 7, 4, 9);
  for (const offset of [5, 6]) inFlight.push(new Message(Buffer.from('x'), { topic: 't', partition: 2, offset }));
  feed.breaking();
  inFlight.length = 0;
  await feed.close();
  assert.deepEqual(taken(), ['ended 7,4,5']);
  await feed.close();
  assert.deepEqual(taken(), []);
});

test('channels are let go of once the last feed of a name has ended', async () => {
  const feeds = new FeedSuccession();
  const events: string[] = [];
  const feedOf = (label: string) => ({ name: 'p', detach: () => void events.push(label) });
  const [first, second] = [feedOf('first'), feedOf('second')];
  feeds.began(first);
  feeds.ended(first);
  feeds.began(second);
  await turn();
  assert.deepEqual(events, []);
  feeds.ended(second);
  await turn();
  assert.deepEqual(events, ['second']);
});
