import type { Access } from '../../core/access.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { EndpointContext } from './endpoint-context.ts';

/** What an endpoint takes of the handshake of a client. */
export type JoinRequest = Pick<ConnectionInfo, 'params' | 'query' | 'headers'> & {
  /** Positions in channels that it shows; undefined where it shows none. */
  readonly since?: readonly ChannelPosition[] | undefined;
};

/** What is known of a client that comes in, with an ID of its own. */
export function infoOf(
  context: EndpointContext,
  { params, query, headers }: JoinRequest,
  access: Access | undefined,
): ConnectionInfo {
  const { name: endpoint, newId } = context;
  const asked = { clientId: newId(), endpoint, params: orNone(params), query: orNone(query) };
  const heard = headers === undefined ? asked : { ...asked, headers };
  const info = withChannels(heard, context);
  return access === undefined ? info : knownInfo(info, context, access);
}

/** The same with what follows from who the client is. */
export function knownInfo(
  info: ConnectionInfo,
  { access: port, codec }: EndpointContext,
  { name }: Access,
): ConnectionInfo {
  const named = name === undefined ? info : { ...info, name };
  return port?.renews && codec.renewal !== undefined ? { ...named, renews: true } : named;
}

function withChannels(info: ConnectionInfo, context: EndpointContext): ConnectionInfo {
  const { channels, codec, takesSubscriptions, takesPublications } = context;
  if (channels === undefined || codec.channels === undefined) return info;
  const seesPresence = channels.presence !== undefined && codec.channels.presence !== undefined;
  const seesHistory = channels.hasHistory && codec.channels.history !== undefined;
  if (!takesSubscriptions && !takesPublications && !seesPresence && !seesHistory) return info;
  return {
    ...info,
    ...(takesSubscriptions && { subscribes: true }),
    ...(takesPublications && { publishes: true }),
    ...(seesPresence && { seesPresence: true }),
    ...(seesHistory && { seesHistory: true }),
  };
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Most connections have no parameters, so they share one empty object. */
function orNone(facts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(facts).length === 0 ? NONE : facts;
}
