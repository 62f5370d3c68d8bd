import type { TopicSpec } from '../core/log.ts';
import { tableTopic } from '../tables/topic.ts';

/** Names of the topics by which gateways know the members of a room. */
export interface PresenceTopicNames {
  /** Members and leases; compacted. */
  readonly presence: string;
  /** Gives out numbers: the offset of a record is given to no other record. */
  readonly ids: string;
  /** Direct messages and kicks for members of other gateways. */
  readonly control: string;
}

const HOUR = '3600000';

/** They contain the name of the room's own topic, so that two deployments on one Kafka do not mix. */
export function presenceTopicNames(room: string): PresenceTopicNames {
  const of = (kind: string) => `_tidegate.${room}.${kind}`;
  return { presence: of('presence'), ids: of('ids'), control: of('control') };
}

/** What has to exist before a presence starts. One partition each: the order of their records decides. */
export function presenceTopics(room: string): TopicSpec[] {
  const { presence, ids, control } = presenceTopicNames(room);
  const shortLived = { 'cleanup.policy': 'delete', 'retention.ms': HOUR };
  return [
    tableTopic(presence),
    { name: ids, partitions: 1, config: shortLived },
    { name: control, partitions: 1, config: shortLived },
  ];
}
