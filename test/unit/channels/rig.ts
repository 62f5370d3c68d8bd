import type { TestContext } from 'node:test';
import type { EndpointChannels } from '../../../src/actors/endpoint/channel-port.ts';
import type { EndpointOptions } from '../../../src/actors/endpoint/endpoint-context.ts';
import { ChannelHub } from '../../../src/channels/channel-hub.ts';
import type { HistorySettings } from '../../../src/channels/history/channel-history.ts';
import type { Access } from '../../../src/core/access.ts';
import { Batch } from '../../../src/core/batch.ts';
import { type ChannelPosition, parsePosition } from '../../../src/core/channel-position.ts';
import type { ChannelProtocol } from '../../../src/core/channel-protocol.ts';
import { ClientMemory } from '../../../src/core/client-memory.ts';
import type { Codec } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { type Action, Permissions } from '../../../src/core/permissions.ts';
import type { Wire } from '../../../src/core/shared-frame.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { FakeSocket } from '../actors/fake-socket.ts';
import { endpointRig, turn, wordCodec } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import type { FakeFeed } from './fake-feed.ts';

const text = (data: string) => ({ data, binary: false });

const at = (position: ChannelPosition | undefined) => (position === undefined ? '' : `@${position.offset}`);

/** Answers in words; a record of a channel is `channel=record`, with `@offset` where it has a position. */
const protocol: ChannelProtocol = {
  subscribed: (_state, id, channel, { position, recovered }) =>
    text(`subscribed ${id} ${channel}${at(position)}${recovered === undefined ? '' : ` ${recovered}`}`),
  unsubscribed: (_state, id, channel, reason) => text(`unsubscribed ${id ?? reason?.code} ${channel}`),
  refused: (_state, id, channel, { code }) => text(`refused ${id} ${channel} ${code}`),
  publication: (channel, message, position) => text(`${channel ?? 'all'}=${message.text}${at(position)}`),
  gap: (channel, position, reason) => text(`gap ${channel}${at(position)} ${reason}`),
};

/** `+x` subscribes to x, `+x since POSITION` with a position, `-x` ends that. */
const frame: Codec['frame'] = (_state, data) => {
  const [word = '', since] = data.toString().split(' since ');
  const type = word.startsWith('+') ? 'subscribe' : 'unsubscribe';
  const shown = since === undefined ? {} : { since: parsePosition(since) ?? null };
  return [{ type, channel: word.slice(1), correlation: word.slice(0, 2), ...shown }];
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
    history,
    ...changes
  }: {
    maxPerConnection?: number;
    codec?: Codec;
    takesSubscriptions?: boolean;
    history?: Partial<HistorySettings>;
    limits?: EndpointOptions['limits'];
    encode?: EndpointOptions['encode'];
  } = {},
) {
  const stats = createStats();
  const clock = new HandClock();
  const memory = new ClientMemory();
  const kept = history && { last: 100, bytes: 1_000_000, initial: 0, ...history };
  const renewed: Access[] = [];
  const ids = Array.from({ length: 100 }, (_, at) => at + 1).values();
  const rig = endpointRig(t, {
    codec,
    stats,
    clock,
    limits: { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull: 'drop_oldest' },
    takesSubscriptions,
    channels: (home) => new ChannelHub({ endpoint: 'rooms', maxPerConnection, stats, clock, history: kept }, home),
    access: {
      renews: true,
      grace: 30,
      isTokenProtocol: () => false,
      admit: async () => ({ access: accessTo([]) }),
      renew: async () => ({ access: renewed.shift() ?? accessTo([]) }),
    },
    memory,
    newId: () => `${ids.next().value}`,
    ...changes,
  });
  /** A client that shows positions in its handshake, and what it gets at once. */
  const comesBack = (access: Access, since?: readonly ChannelPosition[], wire: Wire = 'plain') => {
    const socket = new FakeSocket();
    socket.wire = wire;
    return rig.join(socket, access, { since });
  };
  const publish = (...pairs: readonly (readonly [string, unknown])[]) => {
    const made = records(...pairs);
    rig.endpoint.publish(made.batch, made.channels);
    return made.settled;
  };
  /** A record of that feed comes live. */
  const feeds = (feed: FakeFeed, channel: string, payload: string) =>
    rig.endpoint.publish(new Batch([feed.append(channel, payload)]), [channel], feed);
  const channels = rig.endpoint.channels as EndpointChannels;
  const count = (
    name:
      | 'tidegate_channel_records_total'
      | 'tidegate_channel_refusals_total'
      | 'tidegate_channel_recoveries_total'
      | 'tidegate_frames_dropped_total',
    labels: Record<string, string>,
  ) => stats.counter(name, { endpoint: 'rooms', ...labels }).value;
  return { ...rig, stats, clock, memory, channels, renewed, publish, feeds, comesBack, count, turn };
}
