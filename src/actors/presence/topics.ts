import type { TopicSpec } from '../../core/log.ts';

/** Names of the topics by which gateways know who is in a room. */
export interface PresenceTopicNames {
  /** Who is there; compacted. */
  readonly presence: string;
  /** Gives out numbers: the offset of a record is one that nobody else ever gets. */
  readonly ids: string;
  /** Direct messages and kicks on their way to the gateway that they concern. */
  readonly control: string;
}

const HOUR = '3600000';

/** They carry the name of the room's own topic, so that two deployments on one Kafka do not mix. */
export function presenceTopicNames(room: string): PresenceTopicNames {
  const of = (kind: string) => `_tidegate.${room}.${kind}`;
  return { presence: of('presence'), ids: of('ids'), control: of('control') };
}

/** What has to exist before a presence starts. One partition each: the order of their records decides. */
export function presenceTopics(room: string): TopicSpec[] {
  const { presence, ids, control } = presenceTopicNames(room);
  const forgetting = { 'cleanup.policy': 'delete', 'retention.ms': HOUR };
  return [
    {
      name: presence,
      partitions: 1,
      // Compaction leaves the active segment alone: by default a gateway that starts might have to read a gigabyte.
      config: {
        'cleanup.policy': 'compact',
        'segment.ms': '600000',
        'segment.bytes': '16777216',
        'min.cleanable.dirty.ratio': '0.1',
      },
    },
    { name: ids, partitions: 1, config: forgetting },
    { name: control, partitions: 1, config: forgetting },
  ];
}
