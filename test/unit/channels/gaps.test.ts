import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig } from './rig.ts';

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
  channels.attach(after);
  channels.detach(before);
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
  feed.contradictions.length = 0;
  feed.recreate('f');
  channels.attach(feed);
  await turn();
  assert.deepEqual(client.taken(), ['gap b@0 epoch|']);
  // It is said once.
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
