import assert from 'node:assert/strict';
import { test } from 'node:test';
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
