import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ChannelProtocol } from '../../../src/core/channel-protocol.ts';
import type { Message } from '../../../src/core/message.ts';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig, codecWithChannels } from './rig.ts';

/** An endpoint that keeps one record of a channel, whose feed has brought six: x of the offsets 0, 1, 3, 4 and 5, y of 2. */
function recoveringRig(t: TestContext, changes: Parameters<typeof channelRig>[1] = {}) {
  const rig = channelRig(t, { history: { last: 1, recover: { timeout: 3_000 } }, ...changes });
  const feed = new FakeFeed();
  rig.channels.attach(feed);
  for (const channel of ['x', 'x', 'y', 'x', 'x', 'x']) rig.feeds(feed, channel, 'r');
  const lost = (reason: string) => rig.count('tidegate_channel_recoveries_total', { result: 'lost', reason });
  const connect = () => rig.connect(accessTo([]));
  return { ...rig, feed, lost, connect };
}

/** A history that is more than half full, so that nothing is kept for clients that wait. */
const FULL = { history: { last: 1, bytes: 2_500, recover: { timeout: 3_000 } } };

const all = (socket: { taken(): string[] }) => socket.taken().join('').split('|').slice(0, -1);

test('what is not kept any more is read again, and live records follow without a gap or a double', async (t) => {
  const { connect, feed, feeds, turn, count, clock } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.1');
  feeds(feed, 'y', '6');
  await turn();
  assert.deepEqual(client.taken(), []);
  const { signal, bytes, ...request } = feed.asked[0]?.request ?? assert.fail();
  assert.deepEqual(request, { channel: 'x', since: feed.position('x', 1), until: 5 });
  assert.ok(bytes >= 1_000 && !signal.aborted);
  feed.answer();
  await turn();
  feeds(feed, 'x', '7');
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x@1 true|', 'x=r@2|x=r@4|x=r@5|x=r@6|', 'x=7@8|']);
  assert.equal(count('tidegate_channel_recoveries_total', { result: 'log', reason: '' }), 1);
  assert.equal(clock.pending, 1);
});

test('where the pipeline is replaced meanwhile, the feed that takes its place reads on', async (t) => {
  const { connect, channels, feed, feeds, turn, clock, lost } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.1');
  await turn();
  feed.answer({ lost: 'closed' });
  await turn();
  clock.advance(50);
  await turn();
  feed.answer({ lost: 'closed' });
  await turn();
  const after = new FakeFeed();
  for (const channel of ['x', 'x', 'y', 'x', 'x', 'x']) after.append(channel, 'again');
  after.start = 6;
  channels.ended(feed, feed.endAt(6));
  channels.attach(after);
  clock.advance(50);
  await turn();
  after.answer();
  await turn();
  feeds(after, 'x', '6');
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@1 true', 'x=again@2', 'x=again@4', 'x=again@5', 'x=r@6', 'x=6@7']);

  const other = await connect();
  other.sends('+x since e.0.1');
  await turn();
  after.answer({ lost: 'closed' });
  channels.detach(after);
  await turn();
  clock.advance(50);
  await turn();
  after.answer({ lost: 'closed' });
  await turn();
  assert.deepEqual([all(other), lost('epoch')], [['subscribed +x x false'], 1]);
});

test('what is dropped meanwhile is read as well', async (t) => {
  const { connect, feed, feeds, turn } = recoveringRig(t, FULL);
  const client = await connect();
  client.sends('+x since e.0.4');
  feeds(feed, 'x', '6');
  feeds(feed, 'x', '7');
  feed.answer();
  await turn();
  assert.deepEqual(feed.asked[0]?.request.since, feed.position('x', 5));
  assert.deepEqual(feed.asked[0]?.request.until, 7);
  feed.answer();
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x@4 true|', 'x=r@5|x=r@6|x=6@7|x=7@8|']);
});

test('a record of the turn in which reading ends is neither doubled nor lost', async (t) => {
  const { connect, channels, feeds, turn } = channelRig(t, { history: { recover: { timeout: 3_000 } } });
  const feed = new FakeFeed();
  for (const payload of ['0', '1']) feed.append('x', payload);
  feed.start = 2;
  channels.attach(feed);
  const client = await connect(accessTo([]));
  client.sends('+x since e.0.0');
  feed.answer();
  feeds(feed, 'x', '2');
  await turn();
  feeds(feed, 'x', '3');
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@0 true', 'x=0@1', 'x=1@2', 'x=2@3', 'x=3@4']);
});

test('a channel that is always faster than the reader is lost where nothing more can be kept', async (t) => {
  const { connect, feed, feeds, turn, lost } = recoveringRig(t, FULL);
  const client = await connect();
  client.sends('+x since e.0.0');
  for (let round = 0; round < 4; round += 1) {
    feeds(feed, 'x', 'f');
    feed.answer();
    await turn();
  }
  assert.deepEqual(all(client), ['subscribed +x x@10 false']);
  assert.deepEqual([feed.asked.length, lost('unavailable')], [0, 1]);
  feeds(feed, 'x', '10');
  await turn();
  assert.deepEqual(all(client), ['x=10@11']);
});

test('what the log does not have, and what takes too long, is lost', async (t) => {
  const { connect, feed, turn, lost, clock } = recoveringRig(t);
  const client = await connect();
  for (const reason of ['expired', 'too_many', 'too_old'] as const) {
    client.sends('+x since e.0.0');
    feed.answer({ lost: reason });
    await turn();
    assert.deepEqual(all(client), ['subscribed +x x@6 false']);
    assert.equal(lost(reason), 1);
    client.sends('-x');
    await turn();
    client.taken();
  }
  client.sends('+x since e.0.0');
  const { signal } = feed.asked[0]?.request ?? assert.fail();
  clock.advance(2_999);
  await turn();
  assert.deepEqual([all(client), signal.aborted], [[], false]);
  clock.advance(1);
  feed.answer();
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@6 false']);
  assert.deepEqual([lost('unavailable'), signal.aborted], [1, true]);
});

test('until it has begun, a subscription counts, is not begun twice, and may be ended', async (t) => {
  const { connect, feed, feeds, turn, endpoint } = recoveringRig(t, { maxPerConnection: 2 });
  const client = await connect();
  for (const asked of ['+x since e.0.0', '+x', '+y', '+z', '-x']) client.sends(asked);
  assert.equal(feed.asked[0]?.request.signal.aborted, true);
  feeds(feed, 'x', '6');
  feed.answer();
  await turn();
  assert.deepEqual(all(client), [
    'refused +x x TG_MESSAGE_INVALID',
    'subscribed +y y@6',
    'refused +z z TG_LIMIT_REACHED',
    'refused +x x TG_NOT_SUBSCRIBED',
    'unsubscribed -x x',
  ]);
  client.sends('+z');
  await turn();
  assert.deepEqual(all(client), ['subscribed +z z@7']);
  assert.equal(endpoint.channels?.subscriptions, 2);
});

test('nothing is done for a client that is gone or may not be in the channel any more', async (t) => {
  const { connect, comesBack, channels, feed, turn, clock } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.0');
  client.closes();
  assert.equal(feed.asked[0]?.request.signal.aborted, true);
  feed.answer();
  await turn();
  assert.deepEqual([channels.subscriptions, clock.pending], [0, 1]);
  const joining = await comesBack(accessTo(['x']), [feed.position('x', 0)]);
  joining.taken();
  assert.equal(feed.asked.length, 1);
  joining.closes();
  feed.answer();
  await turn();
  assert.deepEqual([channels.subscriptions, clock.pending], [0, 1]);
});

test('a topic that is another one meanwhile is another place', async (t) => {
  const { connect, feed, feeds, channels, turn, lost } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.0');
  const { request, resolve } = feed.asked.shift() ?? assert.fail();
  assert.equal(request.until, 5);
  feed.recreate('f');
  channels.attach(feed);
  feeds(feed, 'x', 'new');
  resolve({ lost: 'epoch' });
  await turn();
  feeds(feed, 'x', 'next');
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@1 false', 'x=next@2']);
  assert.equal(lost('epoch'), 1);
});

test('a record that the codec fails on when it is read again is left out, and logged', async (t) => {
  const { connect, feed, turn, errors } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.3');
  const { resolve } = feed.asked.shift() ?? assert.fail();
  const broken = feed.append('x', 'broken');
  Object.defineProperty(broken, 'text', {
    get: () => {
      throw new Error('codec bug');
    },
  });
  resolve({ messages: [broken] });
  await turn();
  assert.deepEqual(all(client), ['subscribed +x x@3 true', 'x=r@6']);
  assert.deepEqual(errors(), ['the codec failed on a record, which no client gets']);
});

test('an error of the code that recovers costs its client, and nothing else', async (t) => {
  const { connect, feed, turn, errors } = recoveringRig(t);
  const client = await connect();
  client.sends('+x since e.0.0');
  const { resolve } = feed.asked.shift() ?? assert.fail();
  resolve(undefined as never);
  await turn();
  assert.deepEqual(client.orders, ['terminate']);
  assert.deepEqual(errors(), ['a connection failed and is cut']);
});

test('records that wait for later ones count as held for their client, until it has them or is gone', async (t) => {
  const { connect, feed, feeds, turn, memory } = recoveringRig(t, FULL);
  const client = await connect();
  client.sends('+x since e.0.0');
  feeds(feed, 'x', '6');
  feeds(feed, 'x', '7');
  const before = memory.held;
  feed.answer();
  await turn();
  assert.ok(memory.held > before + 10);
  client.closes();
  assert.equal(memory.held, 0);
  const other = await connect();
  other.sends('+x since e.0.4');
  feed.asked.shift();
  feed.answer();
  await turn();
  assert.match(all(other)[0] ?? '', /true$/);
  assert.equal(memory.held, 0);
});

test('what was read for one client is kept for the next ones, who have it at once', async (t) => {
  const rig = channelRig(t, { history: { last: 9, recover: { timeout: 3_000 } } });
  const { connect, channels, feeds, turn, count } = { ...rig, connect: () => rig.connect(accessTo([])) };
  const feed = new FakeFeed();
  const [x0, y1, x2] = ['x', 'y', 'x'].map((channel, at) => feed.append(channel, `${at}`));
  feed.start = 3;
  channels.attach(feed);
  const first = await connect();
  first.sends('+x since e.0.0');
  feeds(feed, 'x', '3');
  assert.equal(channels.keptOfEach, 9);
  const of = (since: number, ...messages: (Message | undefined)[]) => ({ since, messages: messages as Message[] });
  const part = {
    partition: 0,
    from: 0,
    until: 3,
    channels: new Map([
      ['x', of(0, x0, x2)],
      ['y', of(0, y1)],
    ]),
  };
  channels.extend(feed, 'other', { ...part, from: 1 });
  channels.extend(feed, 'e', { ...part, until: 2 });
  const early = await connect();
  early.sends('+y since e.0.1');
  await turn();
  assert.deepEqual(early.taken(), []);
  channels.extend(feed, 'e', part);
  feed.answer();
  await turn();
  assert.deepEqual(all(first), ['subscribed +x x@0 true', 'x=0@1', 'x=2@3', 'x=3@4']);
  const second = await connect();
  for (const request of ['+x since e.0.1', '+y since e.0.0', '+z since e.0.0']) second.sends(request);
  await turn();
  assert.deepEqual(all(second), [
    ...['subscribed +x x@1 true', 'x=2@3', 'x=3@4', 'subscribed +y y@0 true', 'y=1@2', 'subscribed +z z@0 true'],
  ]);
  assert.deepEqual(
    ['ring', 'log'].map((result) => count('tidegate_channel_recoveries_total', { result, reason: '' })),
    [3, 1],
  );
});

test('a record that is read again is framed once for all clients that get it', async (t) => {
  let made = 0;
  const channels = {
    ...(codecWithChannels.channels as ChannelProtocol),
    publication: (channel: string | undefined, message: Message) => {
      made += 1;
      return { data: `${channel}=${message.offset}`, binary: false };
    },
  };
  const { connect, feed, turn } = recoveringRig(t, { codec: { ...codecWithChannels, channels } });
  const clients = [await connect(), await connect(), await connect()];
  for (const client of clients) client.sends('+x since e.0.0');
  await turn();
  made = 0;
  for (const _ of clients) feed.answer();
  await turn();
  for (const client of clients)
    assert.deepEqual(all(client), ['subscribed +x x@0 true', 'x=0', 'x=1', 'x=3', 'x=4', 'x=5']);
  assert.equal(made, 4);
});

test('a client of a channel that never rests gets what it has missed, however few records are kept', async (t) => {
  const { connect, feed, feeds, turn, lost, memory } = recoveringRig(t);
  const [client, other] = [await connect(), await connect()];
  for (const socket of [client, other]) socket.sends('+x since e.0.1');
  await turn();
  for (let live = 6; live < 26; live += 1) {
    for (const payload of ['a', 'b']) feeds(feed, 'x', payload);
    if (live > 12) feed.answer();
    await turn();
  }
  for (const socket of [client, other]) {
    const heard = all(socket);
    assert.equal(heard[0], 'subscribed +x x@1 true');
    assert.deepEqual(
      heard.slice(1).map((record) => record.slice(record.indexOf('@'))),
      [2, 4, 5, 6, ...Array.from({ length: 40 }, (_, at) => 7 + at)].map((offset) => `@${offset}`),
    );
  }
  assert.equal(lost('unavailable'), 0);
  assert.equal(memory.held, 0);
  const late = await connect();
  late.sends('+x since e.0.44');
  await turn();
  assert.deepEqual([all(late), feed.asked.length], [[], 1], 'no more is kept than before once they are in');
});
