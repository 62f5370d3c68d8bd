import type { ChannelPresence, ChannelProtocol, Frame, PresentClient } from '../../sdk/index.ts';
import { jsonValueOf } from '../json-value.ts';
import { errorOf, INSUFFICIENT_STATE, UNRECOVERABLE } from './codes.ts';
import {
  type Asked,
  errorReply,
  historyReply,
  message,
  placeOf,
  publication,
  publicationIn,
  push,
  reply,
  subscriptionOf,
} from './frames.ts';
import type { State } from './introduction.ts';

/** Channels that begin so are each of one connection, whose library does not know that it is in one. */
const OWN = 'client.';
/** A library subscribes again by itself after codes from 2500 on. */
const UNSUBSCRIBED = 2000;

/** The library connects again, and asks for what it has missed. */
export function reconnect(): Frame {
  return push(undefined, 'disconnect', { ...INSUFFICIENT_STATE, reconnect: true });
}

/** The commands `subscribe` and `unsubscribe`, and what comes in channels. */
export const channelProtocol: ChannelProtocol<State> = {
  subscribed: (_state, correlation, channel, facts) =>
    correlation === undefined
      ? push(channel, 'subscribe', subscriptionOf(facts))
      : reply(correlation as Asked, subscriptionOf(facts)),
  unsubscribed: (_state, correlation, channel, reason) =>
    correlation === undefined
      ? push(channel, 'unsubscribe', { code: UNSUBSCRIBED, reason: reason?.message ?? 'server unsubscribe' })
      : reply(correlation as Asked, {}),
  refused: (_state, correlation, channel, rejection) => {
    if (correlation === undefined)
      return push(channel, 'unsubscribe', { code: UNSUBSCRIBED, reason: rejection.message });
    const asked = correlation as Asked;
    // A library that leaves a channel which it is not in any more would connect again after an error.
    if (asked.method === 'unsubscribe' && rejection.code === 'TG_NOT_SUBSCRIBED') return reply(asked, {});
    return errorReply(asked, errorOf(rejection));
  },
  gap: reconnect,
  presence: {
    answered: (_state, correlation, _channel, presence) => {
      const asked = correlation as Asked;
      return reply(asked, asked.method === 'presence' ? { presence: clientsOf(presence) } : countsOf(presence));
    },
    announce: (channel, { type, client }) =>
      push(channel, type === 'joined' ? 'join' : 'leave', { info: infoOf(client) }),
  },
  history: {
    answered: (_state, correlation, channel, { position, payloads }) => {
      const asked = correlation as Asked;
      if (payloads === undefined) return errorReply(asked, UNRECOVERABLE);
      return historyReply(
        asked,
        payloads.map((payload) => publicationIn(channel, payload)),
        placeOf(position),
      );
    },
  },
  publication: (channel, record, position) => {
    const value = jsonValueOf(record);
    if (value === null) return null;
    if (channel === undefined || channel.startsWith(OWN)) return message(value);
    return publication(channel, value, position?.offset);
  },
};

function clientsOf({ members = [] }: ChannelPresence): object {
  return Object.fromEntries(members.map((one) => [one.client, infoOf(one)]));
}

function countsOf({ clients, users }: ChannelPresence): object {
  return { num_clients: clients, num_users: users };
}

function infoOf({ client, user, info }: PresentClient): object {
  return { client, user, conn_info: info };
}
