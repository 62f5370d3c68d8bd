import type { Access } from '../../core/access.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { ConnectionInfo } from '../../core/component.ts';
import type { EndpointContext } from './endpoint-context.ts';

/** What an endpoint takes of the handshake of a client. */
export type JoinRequest = Pick<ConnectionInfo, 'params' | 'query' | 'headers'> & {
  /** Positions in channels that it shows; undefined where it shows none. */
  readonly since?: readonly ChannelPosition[] | undefined;
};

/** What is known of a client that comes in, with an ID of its own. */
export function infoOf(
  { name: endpoint, access: port, codec, newId, channels, takesSubscriptions }: EndpointContext,
  { params, query, headers }: JoinRequest,
  access: Access | undefined,
): ConnectionInfo {
  const asked = { clientId: newId(), endpoint, params: orNone(params), query: orNone(query) };
  const heard = headers === undefined ? asked : { ...asked, headers };
  const info =
    channels !== undefined && takesSubscriptions && codec.channels !== undefined
      ? { ...heard, subscribes: true }
      : heard;
  if (port === undefined || access === undefined) return info;
  const { name } = access;
  const named = name === undefined ? info : { ...info, name };
  return port.renews && codec.renewal !== undefined ? { ...named, renews: true } : named;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Most connections have no parameters, so they share one empty object. */
function orNone(facts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(facts).length === 0 ? NONE : facts;
}
