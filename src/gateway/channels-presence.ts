import type { ChannelHubOptions } from '../channels/channel-hub.ts';
import { ChannelsPresence } from '../channels/presence/channels-presence.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { GatewayContext } from './gateway-context.ts';

type Settings = NonNullable<NonNullable<EndpointConfig['channels']>['presence']>;

/** What keeps which clients are in the channels of an endpoint, on all gateways. */
export function channelsPresenceOf(
  context: GatewayContext,
  name: string,
  { topic, lease, max_listed, max_known, announce }: Settings,
  stats: Stats,
): ChannelHubOptions['presence'] {
  const { log, config, clock } = context;
  const options = {
    endpoint: name,
    topic,
    log,
    write: (own: string) => context.topic(own),
    lease,
    isAlone: config.log.driver === 'embedded',
    maxListed: max_listed,
    maxKnown: max_known,
    announces: announce,
    clock,
    logger: context.scoped('presence', { endpoint: name }),
    stats,
  };
  return (tell) => new ChannelsPresence(options, tell);
}
