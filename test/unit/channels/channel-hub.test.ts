import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import type { ChannelProtocol } from '../../../src/core/channel-protocol.ts';
import type { ConnectionInfo } from '../../../src/core/connection-info.ts';
import { Message } from '../../../src/core/message.ts';
import { wordCodec } from '../actors/rig.ts';
import { accessTo, channelRig, codecWithChannels } from './rig.ts';

const forAll = (text: string) => new Batch([new Message(Buffer.from(text))]);

test('a record goes to those who are in its channel, and to no other', async (t) => {
  const { connect, publish, turn } = channelRig(t);
  const [a, b, c] = [
    await connect(accessTo(['x'])),
    await connect(accessTo(['x', 'y'])),
    await connect(accessTo(['z'])),
  ];
  const settled = publish(['1', 'x'], ['2', 'y'], ['3', 'none']);
  await turn();
  assert.deepEqual([a.taken(), b.taken(), c.taken()], [['x=1|'], ['x=1|y=2|'], []]);
  assert.deepEqual(settled, ['1 stored', '2 stored', '3 stored']);
});

test('what a turn brings from channels and for all clients is one write a socket, in its order', async (t) => {
  const { endpoint, connect, publish, turn } = channelRig(t);
  const [a, b, c] = [await connect(accessTo(['x', 'y'])), await connect(accessTo(['y'])), await connect(accessTo([]))];
  publish(['1', 'y']);
  endpoint.deliver(forAll('2'));
  publish(['3', 'x'], ['4', 'y']);
  endpoint.deliver(forAll('5'));
  publish(['6', 'x']);
  await turn();
  assert.deepEqual(a.taken(), ['y=1|all=2|x=3|y=4|all=5|x=6|']);
  assert.deepEqual(b.taken(), ['y=1|all=2|y=4|all=5|']);
  assert.deepEqual(c.taken(), ['all=2|all=5|']);
});

test('a record is encoded once for each channel, and not at all without a subscriber', async (t) => {
  let made = 0;
  const channels = {
    ...(codecWithChannels.channels as ChannelProtocol),
    publication: (channel: string | undefined, message: Message) => {
      made += 1;
      return { data: `${channel}=${message.text}`, binary: false };
    },
  };
  const { connect, publish, turn, count } = channelRig(t, { codec: { ...codecWithChannels, channels } });
  for (let at = 0; at < 5; at += 1) await connect(accessTo(['x', 'y']));
  publish(['1', ['x', 'y', 'x']], ['2', 'empty'], ['3', ['empty', 'void']]);
  await turn();
  assert.equal(made, 2);
  assert.equal(count('tidegate_channel_records_total', { result: 'delivered' }), 2);
  assert.equal(count('tidegate_channel_records_total', { result: 'no_subscriber' }), 3);
});

test('a record without a name, or with one that no channel can have, goes nowhere and counts as filtered', async (t) => {
  const { connect, publish, turn, count } = channelRig(t);
  const client = await connect(accessTo(['x', 'true', '1']));
  const wrong = [undefined, null, '', [], true, {}, 'a\nb', 'a'.repeat(256), [null, { a: 1 }]];
  const settled = publish(...wrong.map((name, at) => [`${at}`, name] as const));
  await turn();
  assert.deepEqual(client.taken(), []);
  assert.deepEqual(
    settled,
    wrong.map((_, at) => `${at} filtered`),
  );
  assert.equal(count('tidegate_channel_records_total', { result: 'missing' }), 5);
  assert.equal(count('tidegate_channel_records_total', { result: 'invalid' }), 5);
});

test('a list with a name that is none reaches the channels that are', async (t) => {
  const { connect, publish, turn, count } = channelRig(t);
  const client = await connect(accessTo(['x']));
  assert.deepEqual(publish(['1', ['x', '\u0000']]), ['1 stored']);
  await turn();
  assert.deepEqual(client.taken(), ['x=1|']);
  assert.equal(count('tidegate_channel_records_total', { result: 'invalid' }), 1);
});

test('the channel client.ID is that of one connection, in which no other can be', async (t) => {
  const { connect, publish, turn, count } = channelRig(t);
  const [a, b] = [await connect(accessTo([])), await connect(accessTo([]))];
  b.sends('+client.1');
  a.sends('-client.1');
  await turn();
  assert.deepEqual(
    [a.taken(), b.taken()],
    [['refused -c client.1 TG_NOT_ALLOWED|'], ['refused +c client.1 TG_NOT_ALLOWED|']],
  );
  publish(['1', 'client.1'], ['2', 'client.7']);
  await turn();
  assert.deepEqual([a.taken(), b.taken()], [['client.1=1|'], []]);
  assert.equal(count('tidegate_channel_records_total', { result: 'no_subscriber' }), 1);
  a.closes(1000);
  publish(['3', 'client.1']);
  assert.equal(count('tidegate_channel_records_total', { result: 'no_subscriber' }), 2);
});

test('a client subscribes and unsubscribes, and is answered before what the channel brings', async (t) => {
  const { connect, publish, turn, endpoint } = channelRig(t);
  const client = await connect(accessTo([]));
  client.sends('+x');
  publish(['1', 'x']);
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x|', 'x=1|']);
  client.sends('+x');
  await turn();
  assert.deepEqual(client.taken(), ['subscribed +x x|']);
  assert.deepEqual([endpoint.channels?.size, endpoint.channels?.subscriptions], [1, 1]);
  publish(['2', 'x']);
  client.sends('-x');
  client.sends('-x');
  await turn();
  assert.deepEqual(client.taken(), ['unsubscribed -x x|refused -x x TG_NOT_SUBSCRIBED|']);
  assert.deepEqual([endpoint.channels?.size, endpoint.channels?.subscriptions], [0, 0]);
});

test('what is not allowed, invalid or too much is refused with a code, and counted', async (t) => {
  const { connect, turn, count } = channelRig(t, { maxPerConnection: 2 });
  const client = await connect(accessTo(['joined'], ['x*']));
  for (const name of ['y', '', 'x1', 'x2', 'x1']) client.sends(`+${name}`);
  await turn();
  assert.deepEqual(client.taken().join('').split('|').slice(0, -1), [
    'refused +y y TG_NOT_ALLOWED',
    'refused +  TG_MESSAGE_INVALID',
    'subscribed +x x1',
    'refused +x x2 TG_LIMIT_REACHED',
    'subscribed +x x1',
  ]);
  const refusals = ['not_allowed', 'invalid', 'limit'].map((reason) =>
    count('tidegate_channel_refusals_total', { reason }),
  );
  assert.deepEqual(refusals, [1, 1, 1]);
});

test('a burst of 10,000 subscribes on one socket meets the limit, and each is answered', async (t) => {
  const { connect, turn, endpoint } = channelRig(t, { maxPerConnection: 100 });
  const client = await connect(accessTo([]));
  let answers = '';
  for (let at = 0; at < 10_000; at += 1) {
    client.sends(`+${at}`);
    if (at % 500 === 499) {
      await turn();
      answers += client.taken().join('');
    }
  }
  assert.equal(endpoint.channels?.subscriptions, 100);
  assert.equal(answers.match(/subscribed/g)?.length, 100);
  assert.equal(answers.match(/TG_LIMIT_REACHED/g)?.length, 9_900);
  client.closes(1000);
  assert.deepEqual([endpoint.channels?.size, endpoint.channels?.subscriptions], [0, 0]);
});

test('a codec without channels frames a record once for all channels of it', async (t) => {
  let made = 0;
  const codec = wordCodec({
    record: ({ text }) => {
      made += 1;
      return { data: text, binary: false };
    },
  });
  const { connect, publish, turn } = channelRig(t, { codec });
  const client = await connect(accessTo(['x']));
  publish(['1', 'x']);
  await turn();
  assert.deepEqual([client.taken(), made], [['1|'], 1]);
});

test('a record that the codec fails on is nacked, and the others go on', async (t) => {
  const channels = {
    ...(codecWithChannels.channels as ChannelProtocol),
    publication: (_: string | undefined, { text }: Message) => {
      if (text === 'bad') throw new Error('codec bug');
      return { data: text, binary: false };
    },
  };
  const { connect, publish, turn } = channelRig(t, { codec: { ...codecWithChannels, channels } });
  const client = await connect(accessTo(['x']));
  assert.deepEqual(publish(['bad', 'x'], ['good', 'x']), ['bad TG_CODEC_FAILED', 'good stored']);
  await turn();
  assert.deepEqual(client.taken(), ['good|']);
});

test('a slow client is subject to the policy of its queue, and delays no other', async (t) => {
  const { connect, publish, turn, count } = channelRig(t);
  const [slow, quick] = [await connect(accessTo(['x', 'y'])), await connect(accessTo(['x']))];
  slow.buffered = 100_000;
  for (let at = 0; at < 20; at += 1) {
    publish([`${at}-${'.'.repeat(100)}`, at % 2 === 0 ? 'x' : 'y']);
    await turn();
  }
  assert.deepEqual(slow.taken(), []);
  assert.equal(quick.taken().length, 10);
  assert.ok(count('tidegate_frames_dropped_total', { reason: 'slow' }) > 5);
});

test('what one connection alone gets counts as its memory, and what several share does not', async (t) => {
  const { connect, publish, turn, endpoint } = channelRig(t);
  const [a, b] = [await connect(accessTo(['shared', 'own'])), await connect(accessTo(['shared']))];
  for (const socket of [a, b]) socket.isStuck = true;
  publish(['1', 'shared']);
  await turn();
  assert.equal(endpoint.heldBytes, 0);
  publish(['2', 'own']);
  await turn();
  assert.equal(endpoint.heldBytes, 'own=2|'.length);
});

test('clients learn that they may subscribe only where the endpoint lets them', async (t) => {
  for (const takesSubscriptions of [true, false]) {
    const told: (boolean | undefined)[] = [];
    const open = ({ subscribes }: ConnectionInfo) => {
      told.push(subscribes);
      return { state: null, effects: [] };
    };
    const { connect } = channelRig(t, { codec: { ...codecWithChannels, open }, takesSubscriptions });
    await connect(accessTo([]));
    assert.deepEqual(told, [takesSubscriptions || undefined]);
  }
});
