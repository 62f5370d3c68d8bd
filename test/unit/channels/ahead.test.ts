import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig } from './rig.ts';

/** An endpoint that has read the records 0 and 1 of the channel x. */
function behindRig(t: TestContext, changes: Parameters<typeof channelRig>[1] = {}) {
  const rig = channelRig(t, { history: {}, ...changes });
  const feed = new FakeFeed();
  rig.channels.attach(feed);
  for (const payload of ['0', '1']) rig.feeds(feed, 'x', payload);
  const results = (result: string, reason: string) =>
    rig.count('tidegate_channel_recoveries_total', { result, reason });
  return { ...rig, feed, results, connect: () => rig.connect(accessTo([])) };
}

const all = (socket: { taken(): string[] }) => socket.taken().join('').split('|').slice(0, -1);

test('a client that has more records than this gateway waits, and goes on where it was', async (t) => {
  const { connect, feed, feeds, turn, results, clock } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.4');
  await turn();
  assert.deepEqual(client.taken(), []);
  assert.deepEqual(feed.awaited[0]?.position, feed.position('x', 4));
  for (const payload of ['2', '3', '4']) feeds(feed, 'x', payload);
  feed.arrives(true);
  await turn();
  feeds(feed, 'x', '5');
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@4 true', 'x=4@5', 'x=5@6']);
  assert.deepEqual([results('ring', ''), clock.pending], [1, 1]);
});

test('a gateway that has read on, though only records that are in no channel, is as far as the client', async (t) => {
  const { connect, feed, feeds, turn } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.4');
  feed.arrives(true);
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@4 true']);
  for (let at = 2; at < 4; at += 1) feed.append('z', 'filtered');
  const other = await connect();
  other.sends('+x');
  feeds(feed, 'x', '4');
  await turn();
  assert.deepEqual([all(client), all(other)], [['x=4@5'], ['subscribed +x x@4', 'x=4@5']]);
});

test('a position behind the end of the log, or of a gateway that stays behind, is lost', async (t) => {
  const { connect, feed, turn, results, clock } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.9');
  feed.arrives(false);
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@2 false']);
  assert.equal(results('lost', 'future'), 1);
  const slow = await connect();
  slow.sends('+x since e.0.3');
  const { signal } = feed.awaited[0] ?? assert.fail();
  clock.advance(2_999);
  await turn();
  assert.deepEqual([all(slow), signal.aborted], [[], false]);
  clock.advance(1);
  await turn();
  assert.deepEqual([all(slow), signal.aborted], [['subscribed +x x@2 false'], true]);
  assert.deepEqual([results('lost', 'future'), clock.pending], [2, 1]);
});

test('a client that leaves or is gone waits no more', async (t) => {
  const { connect, feed, turn, channels, clock } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.4');
  client.sends('-x');
  await turn();
  assert.deepEqual(all(client), ['refused +x x TG_NOT_SUBSCRIBED', 'unsubscribed -x x']);
  assert.equal(feed.awaited.shift()?.signal.aborted, true);
  client.sends('+x since e.0.4');
  feed.arrives(undefined);
  await turn();
  client.closes();
  await turn();
  assert.deepEqual([channels.subscriptions, clock.pending], [0, 1]);
});

test('while the feed does not read, it is asked again, and so is the one that takes its place', async (t) => {
  const { connect, channels, feed, feeds, turn, clock } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.3');
  feed.arrives(undefined);
  await turn();
  const after = new FakeFeed();
  for (const payload of ['0', '1']) after.append('x', payload);
  after.start = 2;
  channels.ended(feed, feed.endAt(2));
  channels.attach(after);
  clock.advance(50);
  await turn();
  assert.deepEqual([feed.awaited.length, after.awaited.length], [0, 1]);
  feeds(after, 'x', '2');
  after.arrives(true);
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@3 true']);
});

test('what is not kept of before the client is read again once the gateway is there', async (t) => {
  const { connect, feed, feeds, turn, results } = behindRig(t, { history: { last: 1, recover: { timeout: 3_000 } } });
  const client = await connect();
  client.sends('+x since e.0.3');
  for (const payload of ['2', '3', '4']) feeds(feed, 'x', payload);
  feed.arrives(true);
  await turn();
  assert.deepEqual(feed.asked[0]?.request.until, 4);
  feed.answer();
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@3 true', 'x=3@4', 'x=4@5']);
  assert.equal(results('log', ''), 1);
});

test('where it is not read again, what is not kept is lost', async (t) => {
  const { connect, feed, feeds, turn, results } = behindRig(t, { history: { last: 1 } });
  const client = await connect();
  client.sends('+x since e.0.3');
  for (const payload of ['2', '3', '4']) feeds(feed, 'x', payload);
  feed.arrives(true);
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@5 false']);
  assert.equal(results('lost', 'not_kept'), 1);
});

test('channels that a client joins wait together, with one position of the handshake', async (t) => {
  const { comesBack, feed, feeds, turn } = behindRig(t);
  const client = await comesBack(accessTo(['x', 'y']), [feed.position('x', 3)]);
  assert.deepEqual(all(client), ['welcome you']);
  for (const channel of ['y', 'y', 'x']) feeds(feed, channel, 'r');
  feed.arrives(true);
  await turn();
  assert.deepEqual(all(client), ['subscribed undefined x@3 true', 'subscribed undefined y@3 true', 'y=r@4', 'x=r@5']);
});

test('a topic that is another one by then is another place', async (t) => {
  const { connect, channels, feed, turn, results } = behindRig(t);
  const client = await connect();
  client.sends('+x since e.0.4');
  feed.recreate('f');
  channels.attach(feed);
  feed.arrives(undefined);
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@0 false']);
  assert.equal(results('lost', 'epoch'), 1);
});
