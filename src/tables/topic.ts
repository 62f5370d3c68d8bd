import type { TopicSpec } from '../core/log.ts';

/**
 * A compacted topic of one partition, whose order decides for all gateways. Compaction skips the active segment: with
 * Kafka's default sizes, a gateway that starts might have to read a gigabyte.
 */
export function tableTopic(name: string): TopicSpec {
  return {
    name,
    partitions: 1,
    config: {
      'cleanup.policy': 'compact',
      'segment.ms': '600000',
      'segment.bytes': '16777216',
      'min.cleanable.dirty.ratio': '0.1',
    },
  };
}
