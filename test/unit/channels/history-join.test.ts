import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameEncoder } from '../../../src/transports/websocket/framing.ts';
import { wordCodec } from '../actors/rig.ts';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig } from './rig.ts';

const all = (socket: { taken(): string[] }) => socket.taken().join('').split('|').slice(0, -1);

test('channels that a client joins are announced with their positions, and begin with their newest records', async (t) => {
  const { comesBack, channels, feeds, publish, turn } = channelRig(t, { history: { initial: 1 } });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  for (const channel of ['b', 'd', 'a', 'b', 'c']) feeds(feed, channel, channel);
  publish(['U', 'U']);
  const client = await comesBack(accessTo(['b', 'd', 'f', 'a', 'U']));
  // One position for all channels of a partition, which is in front of all that is in them.
  assert.deepEqual(all(client), [
    'welcome you',
    ...['subscribed undefined b@1', 'subscribed undefined d@1', 'subscribed undefined f@1', 'd=d@2', 'b=b@3'],
    ...['subscribed undefined a@0', 'a=a@1'],
    ...['subscribed undefined U', 'U=U'],
  ]);
  feeds(feed, 'f', 'live');
  await turn();
  assert.deepEqual(all(client), ['f=live@4']);
});

test('one position of the handshake is one in all channels of its partition, whose records come in order', async (t) => {
  const { comesBack, channels, feeds, count } = channelRig(t, { history: { initial: 1 } });
  const feed = new FakeFeed({ partitions: 2 });
  channels.attach(feed);
  for (const channel of ['b', 'd', 'd', 'a', 'b']) feeds(feed, channel, channel);
  const client = await comesBack(accessTo(['b', 'd', 'a', 'U']), [feed.position('b', 1)]);
  assert.deepEqual(all(client), [
    'welcome you',
    ...['subscribed undefined b@1 true', 'subscribed undefined d@1 true', 'd=d@2', 'd=d@3', 'b=b@4'],
    ...['subscribed undefined a@0 false', 'a=a@1'],
    'subscribed undefined U false',
  ]);
  const lost = count('tidegate_channel_recoveries_total', { result: 'lost', reason: 'no_position' });
  assert.deepEqual([count('tidegate_channel_recoveries_total', { result: 'ring', reason: '' }), lost], [2, 2]);
  const none = await comesBack(accessTo(['b']), []);
  assert.deepEqual(all(none), ['welcome you', 'subscribed undefined b@3 false', 'b=b@4']);
});

test('channels of a partition wait for the log together, as a record in one is a position in all', async (t) => {
  const history = { last: 1, bytes: 4_000, recover: { timeout: 3_000 } };
  const { comesBack, channels, feeds, turn } = channelRig(t, { history });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (const channel of ['b', 'b', 'a', 'b', 'c']) feeds(feed, channel, channel);
  const client = await comesBack(accessTo(['a', 'b', 'c']), [feed.position('b', 1)]);
  assert.deepEqual(all(client), ['welcome you']);
  client.sends('-c');
  feeds(feed, 'a', 'live');
  await turn();
  assert.deepEqual(all(client), ['unsubscribed -c c']);
  assert.deepEqual(
    feed.asked.map(({ request }) => [request.channel, request.until]),
    [['b', 2]],
  );
  feed.answer();
  await turn();
  // What is kept of a lost its record while b was read.
  assert.deepEqual(
    feed.asked.map(({ request }) => [request.channel, request.until]),
    [['a', 3]],
  );
  feed.answer();
  await turn();
  assert.deepEqual(all(client), [
    ...['subscribed undefined a@1 true', 'subscribed undefined b@1 true'],
    ...['b=b@2', 'a=a@3', 'b=b@4', 'a=live@6'],
  ]);
});

test('a client is in its channels before the frames are read that it has sent meanwhile', async (t) => {
  const { endpoint, comesBack, channels, feeds, turn } = channelRig(t, { history: {} });
  const feed = new FakeFeed();
  channels.attach(feed);
  endpoint.historyBegins();
  const client = await comesBack(accessTo(['b']), [feed.position('b', 0)]);
  client.sends('+b');
  feeds(feed, 'b', '0');
  await turn();
  assert.deepEqual(client.taken(), []);
  endpoint.historyIsRead();
  await turn();
  assert.deepEqual(all(client), ['welcome you', 'subscribed undefined b@0 true', 'b=0@1', 'subscribed +b b@1']);
});

test('event streams carry positions as ids, with whatever codec', async (t) => {
  const encode = frameEncoder(undefined);
  for (const codec of [undefined, wordCodec()]) {
    const { comesBack, channels, feeds, turn } = channelRig(t, { history: {}, encode, ...(codec && { codec }) });
    const feed = new FakeFeed();
    channels.attach(feed);
    feeds(feed, 'b', '0');
    const record = (payload: string, at: number) => (codec ? payload : `b=${payload}@${at}`);
    const client = await comesBack(accessTo(['b']), undefined, 'sse');
    feeds(feed, 'b', '1');
    await turn();
    const subscribed = (text: string) => (codec ? '' : `data: subscribed undefined b${text}\n`);
    assert.equal(
      client.taken().join(''),
      `data: welcome you\n\nid: e.0.1\n${subscribed('@1')}\nid: e.0.2\ndata: ${record('1', 2)}\n\n`,
    );
    const back = await comesBack(accessTo(['b']), [feed.position('b', 1)], 'sse');
    assert.equal(
      back.taken().join(''),
      `data: welcome you\n\nid: e.0.1\n${subscribed('@1 true')}\nid: e.0.2\ndata: ${record('1', 2)}\n\n`,
    );
  }
});

test('records without positions are events without ids', async (t) => {
  const { comesBack, publish } = channelRig(t, { history: { initial: 1 }, encode: frameEncoder(undefined) });
  publish(['0', 'b']);
  const client = await comesBack(accessTo(['b']), undefined, 'sse');
  assert.equal(client.taken().join(''), 'data: welcome you\n\ndata: subscribed undefined b\n\ndata: b=0\n\n');
});
