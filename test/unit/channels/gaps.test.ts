import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import type { ChannelProtocol } from '../../../src/core/channel-protocol.ts';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig, codecWithChannels } from './rig.ts';

const NONE = accessTo([]);

test('subscribers hear that records of their partition were lost, in the order of the records', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  const [a, b] = [await connect(accessTo(['b', 'X'])), await connect(accessTo(['a']))];
  feeds(feed, 'b', '0');
  feed.append('b', 'lost');
  feed.append('b', 'lost');
  channels.gap(feed, feed.position('b', 3));
  feeds(feed, 'b', '3');
  await turn();
  assert.deepEqual([a.taken(), b.taken()], [['b=0@1|gap b@3 expired|b=3@4|'], []]);
  const back = await connect(NONE);
  back.sends('+b since e.0.3');
  back.sends('-b');
  back.sends('+b since e.0.1');
  await turn();
  assert.equal(back.taken().join(''), 'subscribed +b b@3 true|b=3@4|unsubscribed -b b|subscribed +b b@4 false|');
});

test('a feed whose topic is another one says so to its subscribers, and nothing of before is kept', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: { initial: 5 } });
  const [feed, other] = [new FakeFeed(), new FakeFeed({ name: 'other', epoch: 'o' })];
  channels.attach(feed);
  const client = await connect(accessTo(['x', 'Y']));
  feeds(feed, 'x', '0');
  await turn();
  channels.attach(other);
  channels.attach(feed);
  await turn();
  assert.deepEqual(client.taken(), ['x=0@1|']);
  channels.ended(feed, feed.endAt(1));
  feed.recreate('f');
  channels.attach(feed);
  feeds(feed, 'x', 'new');
  await turn();
  assert.deepEqual(client.taken(), ['gap x@0 epoch|x=new@1|']);
  const back = await connect(NONE);
  back.sends('+x since e.0.1');
  await turn();
  assert.equal(back.taken().join(''), 'subscribed +x x@0 false|x=new@1|');
});

test('a feed that takes the place of one of its name goes on where that ended', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const [before, after] = [new FakeFeed(), new FakeFeed()];
  channels.attach(before);
  const client = await connect(accessTo(['x']));
  feeds(before, 'x', '0');
  after.append('x', '0');
  after.start = 1;
  channels.ended(before, before.endAt(1));
  channels.attach(after);
  feeds(after, 'x', '1');
  client.sends('-x');
  client.sends('+x since e.0.0');
  await turn();
  assert.equal(client.taken().join(''), 'unsubscribed -x x|subscribed +x x@0 true|x=0@1|x=1@2|');
  feeds(before, 'x', 'late');
  await turn();
  assert.deepEqual(client.taken(), ['x=late|']);
});

test('a topic that a contradiction shows to have grown is another epoch for its subscribers', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  const client = await connect(accessTo(['b', 'X']));
  feeds(feed, 'b', '0');
  channels.publish(new Batch([feed.append('b', 'elsewhere', 1)]), ['b'], feed);
  await turn();
  client.taken();
  channels.ended(feed, feed.endAt(1));
  feed.contradictions.length = 0;
  feed.recreate('f');
  channels.attach(feed);
  await turn();
  assert.deepEqual(client.taken(), ['gap b@0 epoch|']);
  // It is said once.
  channels.ended(feed, feed.endAt(0));
  channels.attach(feed);
  await turn();
  assert.deepEqual(client.taken(), []);
});

test('a gap that no subscriber hears of writes to no client', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  const client = await connect(accessTo(['X', 'a']));
  feeds(feed, 'b', '0');
  await turn();
  channels.gap(feed, feed.position('b', 3));
  await turn();
  assert.deepEqual([client.taken(), client.orders], [[], []]);
});

test('records that were read for no channel between two feeds are a gap, for those who come back as well', async (t) => {
  for (const name of ['feed', 'other'])
    for (const isLetGo of [true, false]) {
      const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
      const [before, after] = [new FakeFeed(), new FakeFeed({ name })];
      channels.attach(before);
      const [client, quiet] = [await connect(accessTo(['x'])), await connect(accessTo(['y']))];
      feeds(before, 'x', '0');
      channels.ended(before, before.endAt(1));
      if (isLetGo || name !== 'feed') channels.detach(before);
      for (const text of ['0', 'elsewhere', 'elsewhere']) after.append('x', text);
      after.start = 3;
      channels.attach(after);
      feeds(after, 'x', '3');
      await turn();
      assert.deepEqual([client.taken(), quiet.taken()], [['x=0@1|gap x@3 expired|x=3@4|'], ['gap y@3 expired|']]);
      const back = await connect(NONE);
      for (const since of [0, 1, 3]) for (const word of [`+x since e.0.${since}`, '-x']) back.sends(word);
      await turn();
      const answers = back
        .taken()
        .join('')
        .match(/subscribed \+x \S+ \w+/g);
      assert.deepEqual(answers, ['subscribed +x x@4 false', 'subscribed +x x@4 false', 'subscribed +x x@3 true']);
    }
});

test('a feed of another name that begins where the channel was left is no gap', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const [before, after] = [new FakeFeed(), new FakeFeed({ name: 'other' })];
  channels.attach(before);
  const client = await connect(accessTo(['x']));
  feeds(before, 'x', '0');
  channels.ended(before, before.endAt(2));
  channels.detach(before);
  for (const text of ['0', 'filtered']) after.append('x', text);
  after.start = 2;
  channels.attach(after);
  feeds(after, 'x', '2');
  await turn();
  assert.deepEqual(client.taken(), ['x=0@1|x=2@3|']);
});

test('a feed that reads records again begins anew, and its subscribers hear of it', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const [before, after] = [new FakeFeed(), new FakeFeed()];
  channels.attach(before);
  const client = await connect(accessTo(['x']));
  for (const text of ['0', '1']) feeds(before, 'x', text);
  channels.ended(before, before.endAt(2));
  channels.attach(after);
  for (const text of ['0', '1']) feeds(after, 'x', text);
  await turn();
  assert.deepEqual(client.taken(), ['x=0@1|x=1@2|gap x@0 expired|x=0@1|x=1@2|']);
  assert.deepEqual(after.contradictions, []);
});

test('a record without a position in a channel that has positions ends them', async (t) => {
  const { connect, channels, feeds, publish, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  const client = await connect(accessTo(['x']));
  feeds(feed, 'x', '0');
  publish(['unplaced', 'x']);
  feeds(feed, 'x', '1');
  await turn();
  assert.deepEqual([client.taken(), feed.contradictions], [['x=0@1|x=unplaced|x=1|'], ['mixed x']]);
  const back = await connect(NONE);
  back.sends('+x since e.0.1');
  await turn();
  assert.equal(back.taken().join(''), 'subscribed +x x false|');
});

test('a codec that fails on a gap costs the subscribers of the channel their connection, and nothing else', async (t) => {
  const gap = () => {
    throw new Error('codec bug');
  };
  const codec = { ...codecWithChannels, channels: { ...(codecWithChannels.channels as ChannelProtocol), gap } };
  const { connect, channels, feeds, turn } = channelRig(t, { history: {}, codec });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  const [a, b] = [await connect(accessTo(['b'])), await connect(accessTo(['a']))];
  channels.gap(feed, feed.position('b', 3));
  feeds(feed, 'a', '0');
  await turn();
  assert.deepEqual([a.orders, b.orders, b.taken()], [['terminate'], [], ['a=0@1|']]);
});
