import type { TestContext } from 'node:test';
import { ChannelHub } from '../../../src/channels/channel-hub.ts';
import type { Access } from '../../../src/core/access.ts';
import { Batch } from '../../../src/core/batch.ts';
import type { ChannelProtocol, Codec } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { type Action, Permissions } from '../../../src/core/permissions.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { endpointRig, turn, wordCodec } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

const text = (data: string) => ({ data, binary: false });

/** Answers in words; a record of a channel is `channel=record`. */
const protocol: ChannelProtocol = {
  subscribed: (_state, id, channel) => text(`subscribed ${id} ${channel}`),
  unsubscribed: (_state, id, channel, reason) => text(`unsubscribed ${id ?? reason?.code} ${channel}`),
  refused: (_state, id, channel, { code }) => text(`refused ${id} ${channel} ${code}`),
  publication: (channel, message) => text(`${channel ?? 'all'}=${message.text}`),
  gap: (channel, { offset }, reason) => text(`gap ${channel} ${offset} ${reason}`),
};

/** `+x` subscribes to x, `-x` ends that. */
const frame: Codec['frame'] = (_state, data) => {
  const word = data.toString();
  const type = word.startsWith('+') ? 'subscribe' : 'unsubscribe';
  return [{ type, channel: word.slice(1), correlation: word.slice(0, 2) }];
};

export const codecWithChannels = wordCodec({ frame, channels: protocol as ChannelProtocol<null> });

export function accessTo(channels: readonly string[], allowed: readonly string[] = ['*']): Access {
  const permissions = new Permissions({ subscribe: allowed } satisfies Partial<Record<Action, readonly string[]>>);
  return { identity: undefined, permissions, name: undefined, channels };
}

/** Named records, for the channels beside them. */
export function records(...pairs: readonly (readonly [payload: string, channel: unknown])[]) {
  const settled: string[] = [];
  const target = {
    settled: ({ text: payload, outcome }: Message, failure: { readonly code: string } | null) => {
      settled.push(`${payload} ${failure?.code ?? outcome}`);
    },
  };
  const messages = pairs.map(([payload]) => new Message(Buffer.from(payload), { target }));
  return { batch: new Batch(messages), channels: pairs.map(([, channel]) => channel), settled };
}

/** An endpoint with channels, whose clients may subscribe to anything unless `allowed` says what. */
export function channelRig(
  t: TestContext,
  {
    maxPerConnection = 10,
    codec = codecWithChannels,
    takesSubscriptions = true,
  }: { maxPerConnection?: number; codec?: Codec; takesSubscriptions?: boolean } = {},
) {
  const stats = createStats();
  const renewed: Access[] = [];
  const ids = [1, 2, 3].values();
  const rig = endpointRig(t, {
    codec,
    stats,
    limits: { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull: 'drop_oldest' },
    takesSubscriptions,
    channels: (home) => new ChannelHub({ endpoint: 'rooms', maxPerConnection, stats, clock: new HandClock() }, home),
    access: {
      renews: true,
      grace: 30,
      isTokenProtocol: () => false,
      admit: async () => ({ access: accessTo([]) }),
      renew: async () => ({ access: renewed.shift() ?? accessTo([]) }),
    },
    newId: () => `${ids.next().value}`,
  });
  const publish = (...pairs: readonly (readonly [string, unknown])[]) => {
    const made = records(...pairs);
    rig.endpoint.publish(made.batch, made.channels);
    return made.settled;
  };
  const count = (
    name: 'tidegate_channel_records_total' | 'tidegate_channel_refusals_total' | 'tidegate_frames_dropped_total',
    labels: Record<string, string>,
  ) => stats.counter(name, { endpoint: 'rooms', ...labels }).value;
  return { ...rig, stats, renewed, publish, count, turn };
}
