import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ChannelHub } from '../../../src/channels/channel-hub.ts';
import type { ChannelsPresence } from '../../../src/channels/presence/channels-presence.ts';
import type { Access } from '../../../src/core/access.ts';
import type { ChannelProtocol } from '../../../src/core/channel-protocol.ts';
import type { Codec } from '../../../src/core/component.ts';
import { Permissions } from '../../../src/core/permissions.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { encode, endpointRig, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { HandChannels, handLog, settle } from './hand-channels.ts';
import { codecWithChannels, records } from './rig.ts';

const text = (data: string) => ({ data, binary: false });

const UNWRITABLE = 'no bytes are made of this';

const presence: NonNullable<ChannelProtocol['presence']> = {
  answered: (_state, id, channel, { clients, users, members, isPartial }) =>
    text(`${id} ${channel} ${clients}/${users} ${JSON.stringify(members)}${isPartial ? ' partial' : ''}`),
  announce: (channel, { type, client }) => {
    if (client.client === 'bad') throw new Error('codec bug');
    return text(client.client === 'unwritable' ? UNWRITABLE : `${channel} ${type} ${client.client}`);
  },
};

/** `?x` asks which clients are in x, `#x` how many are; else as the codec of the rig. */
const codec = {
  ...codecWithChannels,
  channels: { ...(codecWithChannels.channels as ChannelProtocol), presence },
  frame: (...given: Parameters<Codec['frame']>) => {
    const word = given[1].toString();
    if (!/^[?#]/.test(word)) return codecWithChannels.frame(...given);
    return [{ type: 'presence', channel: word.slice(1), counts: word.startsWith('#'), correlation: word[0] } as const];
  },
} as Codec;

function accessOf(claims: Readonly<Record<string, unknown>>, channels: readonly string[]): Access {
  return { identity: { claims }, permissions: new Permissions({ subscribe: ['*'] }), name: undefined, channels };
}

/** An endpoint with presence, and another gateway on the same log. */
async function presenceRig(t: TestContext) {
  const log = handLog();
  const [near, other] = [new HandChannels(log), new HandChannels(log)];
  const stats = createStats();
  const own = near.connected.bind(near);
  const rig = endpointRig(t, {
    codec,
    encode: (frame) => {
      if (frame.data === UNWRITABLE) throw new TypeError('no frame');
      return encode(frame);
    },
    stats,
    limits: { messages: 100, bytes: 1_000_000, queue: 10_000, whenFull: 'drop_oldest' },
    takesSubscriptions: true,
    channels: (home) =>
      new ChannelHub(
        {
          endpoint: 'rooms',
          maxPerConnection: 10,
          stats,
          clock: new HandClock(),
          presence: (announce): ChannelsPresence => own(announce),
        },
        home,
      ),
    access: {
      renews: false,
      grace: 30,
      isTokenProtocol: () => false,
      admit: async () => ({ access: accessOf({}, []) }),
      renew: async () => ({ access: accessOf({}, []) }),
    },
    newId: (() => {
      const ids = [1, 2, 3].values();
      return () => `${ids.next().value}`;
    })(),
  });
  const arrive = async () => {
    await settle([near, other], 4);
    await turn();
  };
  await arrive();
  t.after(() => {
    for (const each of [near, other]) each.kill(0);
  });
  const refusals = (reason: string) =>
    stats.counter('tidegate_channel_refusals_total', { endpoint: 'rooms', reason }).value;
  return { ...rig, near, other, arrive, refusals };
}

test('a client learns which clients are in its channel on all gateways, and how many', async (t) => {
  const { connect, other, arrive } = await presenceRig(t);
  const ada = await connect(accessOf({ sub: 'ada', info: { n: 1 } }, ['x']));
  other.subscribe('x', 'far', 'ada');
  other.subscribe('y', 'elsewhere');
  await arrive();
  ada.taken();
  for (const word of ['?x', '#x']) ada.sends(word);
  await turn();
  const members = [
    { client: '1', user: 'ada', info: { n: 1 } },
    { client: 'far', user: 'ada' },
  ];
  assert.equal(ada.taken().join(''), `? x 2/1 ${JSON.stringify(members)}|# x 2/1 undefined|`);
});

test('subscribers hear of joins and leaves in the order of the records, and no other client does', async (t) => {
  const { connect, endpoint, other, arrive } = await presenceRig(t);
  const [ada, bob] = [await connect(accessOf({}, ['x'])), await connect(accessOf({}, ['y']))];
  await arrive();
  assert.deepEqual([ada.taken().join(''), bob.taken().join('')], ['x joined 1|', 'y joined 2|']);
  const { batch, channels } = records(['1', 'x']);
  endpoint.publish(batch, channels);
  other.subscribe('x', 'far');
  for (const client of ['bad', 'unwritable']) other.subscribe('x', client);
  await arrive();
  other.unsubscribe('x', 'far');
  bob.closes(1000);
  await arrive();
  assert.equal(ada.taken().join(''), 'x=1|x joined far|x left far|');
  ada.sends('-x');
  other.subscribe('x', 'late');
  await arrive();
  assert.deepEqual(ada.taken(), ['unsubscribed -x x|']);
  assert.deepEqual(other.told.slice(-2), ['x-1', 'x+late']);
});

test('a client is in its own answer at once, and counts once when its record was read', async (t) => {
  const { connect, arrive } = await presenceRig(t);
  const ada = await connect(accessOf({ sub: 'ada' }, ['x']));
  const own = '[{"client":"1","user":"ada"}]|# x 1/1 undefined|';
  for (const _when of ['before', 'after']) {
    ada.taken();
    for (const word of ['?x', '#x']) ada.sends(word);
    await turn();
    assert.equal(ada.taken().join(''), `? x 1/1 ${own}`);
    await arrive();
  }
});

test('only subscribers may ask, and an answer is refused while the others are not heard', async (t) => {
  const { connect, near, arrive, refusals } = await presenceRig(t);
  const ada = await connect(accessOf({}, ['x']));
  await arrive();
  ada.taken();
  for (const word of ['?y', '?client.1', '?']) ada.sends(word);
  await turn();
  const codes = [
    'refused ? y TG_NOT_SUBSCRIBED|',
    'refused ? client.1 TG_NOT_SUBSCRIBED|',
    'refused ?  TG_MESSAGE_INVALID|',
  ];
  assert.equal(ada.taken().join(''), codes.join(''));
  near.tick(10_000);
  ada.sends('?x');
  await turn();
  assert.equal(ada.taken().join(''), 'refused ? x TG_LOG_UNAVAILABLE|');
  assert.deepEqual([refusals('not_subscribed'), refusals('unavailable')], [2, 1]);
});

test('a claim info that is longer than 1 KiB is left out', async (t) => {
  const { connect, arrive } = await presenceRig(t);
  const ada = await connect(accessOf({ sub: 7, info: 'x'.repeat(1_023) }, ['x']));
  await arrive();
  ada.taken();
  ada.sends('?x');
  await turn();
  assert.deepEqual(ada.taken(), ['? x 1/1 [{"client":"1","user":""}]|']);
});
