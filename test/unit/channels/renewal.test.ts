import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeFeed } from './fake-feed.ts';
import { accessTo, channelRig, codecWithChannels } from './rig.ts';

/** As the codec of the rig, and `!` shows a new token. */
const codec = {
  ...codecWithChannels,
  renewal: {
    ask: () => ({ data: 'renew', binary: false }),
    renewed: () => ({ data: 'renewed', binary: false }),
  },
  frame: (...[state, data, binary, now]: Parameters<typeof codecWithChannels.frame>) =>
    data.toString() === '!'
      ? [{ type: 'renew', token: 't' } as const]
      : codecWithChannels.frame(state, data, binary, now),
};

test('a new token ends subscriptions that it does not allow, tells so, and joins what it says', async (t) => {
  const { connect, publish, turn, renewed, count, endpoint } = channelRig(t, { codec });
  const client = await connect(accessTo(['tenant.a', 'user.ada'], ['symbol.*']));
  client.sends('+symbol.X');
  client.sends('+symbol.Y');
  await turn();
  client.taken();
  renewed.push(accessTo(['tenant.b', 'user.ada'], ['symbol.Y']));
  client.sends('!');
  await turn();
  assert.deepEqual(
    client.taken().join(''),
    [...['unsubscribed TG_NOT_ALLOWED tenant.a|', 'unsubscribed TG_NOT_ALLOWED symbol.X|', 'renewed|']].join(''),
  );
  assert.equal(count('tidegate_channel_refusals_total', { reason: 'revoked' }), 2);
  assert.equal(endpoint.channels?.subscriptions, 3);
  publish(['1', 'tenant.a'], ['2', 'tenant.b'], ['3', 'symbol.X'], ['4', 'symbol.Y'], ['5', 'user.ada']);
  await turn();
  assert.deepEqual(client.taken(), ['tenant.b=2|symbol.Y=4|user.ada=5|']);
});

test('with a history, a new token begins the channels that it joins where they are, and ends what waits', async (t) => {
  const history = { initial: 1, last: 1, recover: { timeout: 3_000 } };
  const { connect, channels, feeds, turn, renewed, count, clock } = channelRig(t, { codec, history });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (const channel of ['x', 'x', 'y', 'x', 'z']) feeds(feed, channel, channel);
  const client = await connect(accessTo(['z'], ['x']));
  client.sends('+x since e.0.0');
  await turn();
  client.taken();
  const { signal } = feed.asked[0]?.request ?? assert.fail();
  renewed.push(accessTo(['y', 'z'], []));
  client.sends('!');
  await turn();
  assert.deepEqual(client.taken().join('').split('|').sort(), [
    '',
    'refused +x x TG_NOT_SUBSCRIBED',
    'renewed',
    'subscribed undefined y@2',
    'unsubscribed TG_NOT_ALLOWED x',
    'y=y@3',
  ]);
  assert.deepEqual([signal.aborted, clock.pending], [true, 1]);
  assert.equal(count('tidegate_channel_refusals_total', { reason: 'revoked' }), 1);
  feed.answer();
  for (const channel of ['x', 'y', 'z']) feeds(feed, channel, 'live');
  await turn();
  assert.deepEqual(client.taken(), ['y=live@7|z=live@8|']);
});

test('a new token that allows what waits leaves it waiting, and joins it no second time', async (t) => {
  const history = { last: 1, recover: { timeout: 3_000 } };
  const { connect, channels, feeds, turn, renewed } = channelRig(t, { codec, history });
  const feed = new FakeFeed();
  channels.attach(feed);
  for (const channel of ['x', 'x']) feeds(feed, channel, channel);
  const client = await connect(accessTo([], ['x']));
  client.sends('+x since e.0.0');
  renewed.push(accessTo(['x'], []));
  client.sends('!');
  await turn();
  feed.answer();
  await turn();
  const got = client
    .taken()
    .join('')
    .split('|')
    .filter((text) => /^(?:sub|x=)/.test(text));
  assert.deepEqual(got, ['subscribed +x x@0 true', 'x=x@1', 'x=x@2']);
  assert.equal(channels.subscriptions, 1);
});
