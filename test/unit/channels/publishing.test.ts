import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Access } from '../../../src/core/access.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { Message } from '../../../src/core/message.ts';
import { Permissions } from '../../../src/core/permissions.ts';
import { wordCodec } from '../actors/rig.ts';
import { channelRig, codecWithChannels } from './rig.ts';

/** `x>1` publishes 1 to the channel x, any other frame is a message; `!` shows a new token. */
const frame: Codec['frame'] = (_state, data) => {
  if (data.toString() === '!') return [{ type: 'renew', token: 't' }];
  const [channel, content] = data.toString().split('>');
  if (content === undefined) return [{ type: 'publish', message: { payload: data }, correlation: channel }];
  return [{ type: 'publish', channel, message: { payload: Buffer.from(content) }, correlation: content }];
};
const renewal = {
  ask: () => ({ data: 'renew', binary: false }),
  renewed: () => ({ data: 'renewed', binary: false }),
};

const publisherOf = (publish: readonly string[], claims?: object): Access => ({
  identity: claims && { claims: { ...claims } },
  permissions: new Permissions({ publish }),
  name: undefined,
  channels: [],
});

function publishingRig(t: TestContext, answers = true) {
  const codec = { ...wordCodec({ frame, answers, renewal }), channels: codecWithChannels.channels } as Codec;
  return channelRig(t, { codec });
}

const shown = ({ text, meta }: Message) => [text, meta.channel, meta.client_id];

test('a publish to a channel is a message that knows it, and is answered like any other in its place', async (t) => {
  const { connect, messages, turn } = publishingRig(t);
  const client = await connect(publisherOf(['x*']));
  for (const word of ['x>1', '2', 'xy>3', 'xy>4', 'x>5']) client.sends(word);
  await turn();
  assert.deepEqual(messages().map(shown), [
    ['1', 'x', '1'],
    ['2', undefined, '1'],
    ['3', 'xy', '1'],
    ['4', 'xy', '1'],
    ['5', 'x', '1'],
  ]);
  for (const message of messages().reverse()) message.ack();
  await turn();
  assert.equal(client.taken().join(''), 'ack 1|ack 2|ack 3|ack 4|ack 5|');
});

test('a publish that is not allowed reaches no pipeline, and is answered in its place', async (t) => {
  const { connect, messages, turn, count, endpoint } = publishingRig(t);
  const client = await connect(publisherOf(['x', 'client.*', '*\n']));
  for (const word of ['x>1', 'y>2', 'client.1>3', '>4', 'a\n>5']) client.sends(word);
  await turn();
  assert.deepEqual(messages().map(shown), [['1', 'x', '1']]);
  assert.deepEqual(client.taken(), []);
  messages()[0]?.ack();
  await turn();
  const answers = ['nack 2 TG_NOT_ALLOWED|', 'nack 3 TG_NOT_ALLOWED|', 'nack 4 TG_MESSAGE_INVALID|'];
  assert.equal(client.taken().join(''), ['ack 1|', ...answers, 'nack 5 TG_MESSAGE_INVALID|'].join(''));
  assert.equal(count('tidegate_channel_refusals_total', { reason: 'not_allowed' }), 2);
  assert.equal(count('tidegate_channel_refusals_total', { reason: 'invalid' }), 2);
  client.closes(1000);
  await turn();
  assert.equal(endpoint.size, 0);
});

test('a codec without answers refuses a publish as it refuses a subscription, and the client stays', async (t) => {
  const { connect, messages, turn } = publishingRig(t, false);
  const client = await connect(publisherOf(['x']));
  for (const word of ['y>1', 'x>2']) client.sends(word);
  await turn();
  assert.deepEqual(client.taken(), ['refused 1 y TG_NOT_ALLOWED|']);
  assert.deepEqual(messages().map(shown), [['2', 'x', '1']]);
});

test('a new token changes what a client may publish to, and who its messages are from', async (t) => {
  const { connect, messages, turn, renewed } = publishingRig(t);
  const client = await connect(publisherOf(['x'], { sub: 'ada', role: 'old' }));
  client.sends('x>1');
  renewed.push(publisherOf(['x', 'y'], { sub: 'ada', role: 'new' }));
  client.sends('!');
  await turn();
  for (const word of ['x>2', 'y>3']) client.sends(word);
  await turn();
  assert.deepEqual(
    messages().map(({ text, meta }) => [text, (meta.auth as { readonly role: string }).role]),
    [
      ['1', 'old'],
      ['2', 'new'],
      ['3', 'new'],
    ],
  );
});
