import type { EndpointOptions } from '../actors/endpoint/endpoint-context.ts';
import { type AllowSettings, commonPermissions, patternsIn } from '../auth/allow-settings.ts';
import { EndpointAccess } from '../auth/endpoint-access.ts';
import { Joining } from '../channels/subscribing/joining.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Authenticators } from './authenticators.ts';
import { listedHeaders } from './listed-headers.ts';

/** Where the configuration says nothing of it. */
const TOKEN_EXPIRY = { renew: true, grace: 30_000 };

/** What the clients of an endpoint may do: the same for all, or to be found out for each of them. */
export function accessOf(
  name: string,
  { auth, presence, token_expiry: { renew, grace } = TOKEN_EXPIRY, ...endpoint }: EndpointConfig,
  authenticators: Authenticators,
): Pick<EndpointOptions, 'permissions' | 'access'> {
  const allow: AllowSettings = endpoint.allow ?? {};
  const permissions = commonPermissions(allow);
  const isTheSame = patternsIn(allow).every(({ isConstant }) => isConstant);
  const { channels, meta_headers } = endpoint;
  const joining = channels === undefined || channels.join.length === 0 ? undefined : new Joining(name, channels);
  const mayDiffer = allow.connect !== undefined || presence?.name !== undefined || !isTheSame || joining !== undefined;
  if (auth === undefined && !mayDiffer) return { permissions };
  const access = new EndpointAccess({
    endpoint: name,
    authenticator: authenticators.of(auth),
    allow,
    readParam: endpoint.codec.spec.readParam,
    name: presence?.name,
    renews: renew,
    mayShowLater: endpoint.codec.spec.introduces === true,
    grace: Math.ceil(grace / 1_000),
    headersOf: (headers) => listedHeaders(headers, meta_headers),
    ...(joining && { join: (client) => joining.of(client) }),
  });
  return { permissions, access };
}
