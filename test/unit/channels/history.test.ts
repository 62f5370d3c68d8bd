import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig, codecWithChannels } from './rig.ts';

const NONE = accessTo([]);

test('a client that shows its position gets what it has missed, then live records', async (t) => {
  const { connect, channels, feeds, turn, count } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (const payload of ['0', '1', '2']) feeds(feed, 'x', payload);
  feeds(feed, 'y', '3');
  const client = await connect(NONE);
  client.sends('+x since e.0.1');
  feeds(feed, 'x', '4');
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x@1 true|', 'x=1@2|x=2@3|', 'x=4@5|']);
  assert.equal(count('tidegate_channel_recoveries_total', { result: 'ring', reason: '' }), 1);
});

test('a record of the turn in which a client subscribes is neither doubled nor lost', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  const [a, b] = [await connect(NONE), await connect(NONE)];
  a.sends('+x');
  feeds(feed, 'x', '0');
  a.sends('-x');
  a.sends('+x since e.0.0');
  b.sends('+x since e.0.1');
  feeds(feed, 'x', '1');
  await turn();
  assert.deepEqual(a.taken().join('').split('|').slice(0, -1), [
    'subscribed +x x@0',
    'unsubscribed -x x',
    'subscribed +x x@0 true',
    'x=0@1',
    'x=1@2',
  ]);
  assert.deepEqual(b.taken(), ['subscribed +x x@1 true|', 'x=1@2|']);
});

test('a client without a position gets the newest records and their place, or the place where it begins', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: { initial: 2 } });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (const payload of ['0', '1', '2']) feeds(feed, 'x', payload);
  feeds(feed, 'y', '3');
  const client = await connect(NONE);
  client.sends('+x');
  client.sends('+z');
  client.sends('+x');
  await turn();
  const got = client.taken().join('').split('|').slice(0, -1);
  assert.deepEqual(got, ['subscribed +x x@1', 'x=1@2', 'x=2@3', 'subscribed +z z@4', 'subscribed +x x@4']);
});

test('a client that cannot get all it has missed hears so, with the reason in the metric', async (t) => {
  const { connect, channels, feeds, turn, count } = channelRig(t, { history: { last: 2, initial: 1 } });
  const feed = new FakeFeed({ partitions: 2 });
  feed.start = 0;
  channels.attach(feed);
  for (const payload of ['0', '1', '2']) feeds(feed, 'b', payload);
  const client = await connect(NONE);
  const cases = {
    not_kept: '+b since e.0.0',
    epoch: '+b since f.0.3',
    future: '+b since e.0.4',
    no_position: '+b since nonsense',
  };
  for (const [reason, asked] of Object.entries(cases)) {
    client.sends(asked);
    feed.arrives(false);
    await turn();
    client.sends('-b');
    await turn();
    assert.deepEqual(client.taken().join('').split('|').slice(0, 2), ['subscribed +b b@2 false', 'b=2@3'], reason);
    assert.equal(count('tidegate_channel_recoveries_total', { result: 'lost', reason }), 1, reason);
  }
  client.sends('+b since e.1.0');
  await turn();
  assert.match(client.taken().join(''), /^subscribed \+b b@2 false/);
});

test('a position where the reader began is complete, and one in front of it is not', async (t) => {
  const { connect, channels, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  feed.start = 7;
  channels.attach(feed);
  const client = await connect(NONE);
  client.sends('+x since e.0.7');
  client.sends('+y since e.0.6');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +x x@7 true|subscribed +y y@7 false|');
});

test('a channel that no feed has, or of a feed that is gone, has history without positions', async (t) => {
  const { connect, channels, publish, feeds, turn } = channelRig(t, { history: { initial: 2 } });
  const feed = new FakeFeed();
  publish(['0', 'X'], ['1', 'X'], ['2', 'X']);
  const client = await connect(NONE);
  client.sends('+X');
  client.sends('+Y since e.0.0');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +X X|X=1|X=2|subscribed +Y Y false|');
  channels.attach(feed);
  feeds(feed, 'x', '3');
  channels.detach(feed);
  feeds(feed, 'x', '4');
  client.sends('+x since e.0.0');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +x x false|x=4|');
});

test('a second subscribe is answered with the place, and refused where it shows a position', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  const client = await connect(NONE);
  client.sends('+x');
  feeds(feed, 'x', '0');
  client.sends('+x');
  client.sends('+x since e.0.0');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +x x@0|x=0@1|subscribed +x x@1|refused +x x TG_MESSAGE_INVALID|');
});

test('without a history there are no positions, and a position is answered with not recovered', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t);
  const feed = new FakeFeed();
  channels.attach(feed);
  const client = await connect(accessTo(['y']));
  feeds(feed, 'x', '0');
  client.sends('+x since e.0.0');
  feeds(feed, 'x', '1');
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x false|', 'x=1|']);
});

test('a record in another partition, or behind later ones, ends the positions of its feed for good', async (t) => {
  for (const broken of ['partition', 'order']) {
    const { connect, endpoint, channels, feeds, turn } = channelRig(t, { history: { initial: 1 } });
    const feed = new FakeFeed({ partitions: 2 });
    channels.attach(feed);
    const client = await connect(NONE);
    client.sends('+b');
    const [first, second] = [feed.append('b', '0'), feed.append('b', '1')];
    const records = broken === 'order' ? [second, first] : [first, feed.append('b', '2', 1)];
    endpoint.publish(new Batch(records), ['b', 'b'], feed);
    feeds(feed, 'b', '3');
    await turn();
    const [, placed, unplaced, last] = client.taken().join('').split('|');
    assert.match(`${placed} ${unplaced} ${last}`, /^b=\d@\d b=\d b=3$/);
    assert.deepEqual(feed.contradictions, ['b']);
    client.sends('+d since e.0.0');
    await turn();
    assert.equal(client.taken().join(''), 'subscribed +d d false|');
  }
});

test('a record may be for several channels of its partition', async (t) => {
  const { connect, endpoint, channels, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  endpoint.publish(new Batch([feed.append('x', '0')]), [['x', 'y']], feed);
  const client = await connect(NONE);
  client.sends('+y since e.0.0');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +y y@0 true|y=0@1|');
  assert.deepEqual(feed.contradictions, []);
});

test('processors do not change the position of a record', async (t) => {
  const { connect, endpoint, channels, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  feed.append('x', 'other');
  endpoint.publish(new Batch([feed.append('x', '0').derive({ payload: Buffer.from('new') })]), ['x'], feed);
  const client = await connect(NONE);
  client.sends('+x since e.0.1');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +x x@1 true|x=new@2|');
});

test('a deleted value is given to no client that comes', async (t) => {
  const publication = (channel: string | undefined, { text, meta }: Message) =>
    meta.tombstone === true ? null : { data: `${channel}=${text}`, binary: false };
  const codec = { ...codecWithChannels, channels: { ...codecWithChannels.channels, publication } };
  const { connect, endpoint, channels, feeds, turn } = channelRig(t, {
    history: { last: 1, initial: 1 },
    codec: codec as typeof codecWithChannels,
  });
  const feed = new FakeFeed();
  channels.attach(feed);
  feeds(feed, 'x', '0');
  const { offset, partition } = feed.append('x', '');
  const tombstone = new Message(Buffer.alloc(0), { topic: 'topic', partition, offset, meta: { tombstone: true } });
  endpoint.publish(new Batch([tombstone]), ['x'], feed);
  const client = await connect(NONE);
  client.sends('+x');
  client.sends('-x');
  client.sends('+x since e.0.1');
  await turn();
  assert.equal(client.taken().join(''), 'subscribed +x x@2|unsubscribed -x x|subscribed +x x@1 true|');
});

test('what does not fit into the queue of a client is not begun', async (t) => {
  const dots = '.'.repeat(20);
  const limits = { messages: 100, bytes: 1_000_000, queue: 50, whenFull: 'disconnect' as const };
  const { connect, channels, feeds, turn, count } = channelRig(t, { history: { initial: 3 }, limits });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (let at = 0; at < 3; at += 1) feeds(feed, 'x', dots);
  const client = await connect(NONE);
  client.buffered = 100_000;
  client.sends('+x since e.0.0');
  await turn();
  client.buffered = 0;
  client.drains();
  await turn();
  assert.equal(client.taken().join(''), `subscribed +x x@1 false|x=${dots}@2|x=${dots}@3|`);
  assert.deepEqual(client.orders, []);
  assert.equal(count('tidegate_channel_recoveries_total', { result: 'lost', reason: 'too_many' }), 1);
});
