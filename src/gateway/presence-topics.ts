import { channelPresenceTopic } from '../channels/presence/presence-topic.ts';
import type { GatewayConfig } from '../config/index.ts';
import type { TopicSpec } from '../core/log.ts';
import { presenceTopics } from '../rooms/topics.ts';

/** Topics that rooms and channels keep their members in, without duplicates: endpoints may share them. */
export function presenceTopicsOf(endpoints: GatewayConfig['endpoints']): readonly TopicSpec[] {
  const all = Object.values(endpoints);
  const rooms = new Set(all.flatMap(({ presence }) => presence?.topic ?? []));
  const channels = new Set(all.flatMap((endpoint) => endpoint.channels?.presence?.topic ?? []));
  return [...[...rooms].flatMap(presenceTopics), ...[...channels].map(channelPresenceTopic)];
}
