import type { EndpointOptions } from '../actors/endpoint/endpoint-context.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Codec } from '../core/component.ts';
import type { PresenceObserver } from '../rooms/port.ts';
import { Presence } from '../rooms/presence.ts';
import { Room } from '../rooms/room.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { GatewayContext } from './gateway-context.ts';

/** What makes the clients of an endpoint the members of a room. */
export function createRoom(
  context: GatewayContext,
  name: string,
  presence: NonNullable<EndpointConfig['presence']>,
  membership: NonNullable<Codec['membership']>,
  stats: Stats,
): NonNullable<EndpointOptions['room']> {
  const { log, config, clock } = context;
  const open = (observer: PresenceObserver) =>
    new Presence({
      endpoint: name,
      room: presence.topic,
      log,
      write: (topic) => context.topic(topic),
      lease: presence.lease,
      isAlone: config.log.driver === 'embedded',
      clock,
      logger: context.scoped('presence', { endpoint: name }),
      stats,
      observer,
    });
  const logger = context.scoped('endpoint', { endpoint: name });
  return (home) => new Room({ membership, presence: open, clock, logger }, home);
}
