import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import type { TopicMaxima } from '../topics/topic-maxima.ts';
import { TopicService } from '../topics/topic-service.ts';
import type { GatewayContext } from './gateway-context.ts';

/** Milliseconds until every broker knows a topic that was just created; a log within this process knows it at once. */
const MISSING_TIMEOUT = 5_000;

const DAY = 86_400_000;

/** Where the operator says nothing. Kafka's defaults, and for bytes, which it leaves unlimited, those of the embedded log. */
const DEFAULT_MAXIMA: TopicMaxima['config'] = {
  'retention.ms': 7 * DAY,
  'retention.bytes': 1_073_741_824,
  'max.message.bytes': 1_048_588,
  'delete.retention.ms': DAY,
  'min.cleanable.dirty.ratio': 1,
};

/** What the clients of an endpoint may do with topics by themselves. */
export function createTopicService(context: GatewayContext, name: string, { topics }: EndpointConfig): TopicService {
  return new TopicService(context, name, {
    topics,
    maxima: maximaOf(topics, context.config.log),
    missingTimeout: context.config.log.driver === 'embedded' ? 0 : MISSING_TIMEOUT,
  });
}

/** What topics of an endpoint's clients may have at most; what limits the embedded log cannot be lifted by its clients. */
export function maximaOf(
  { max_partitions, max_replication, max_config }: EndpointConfig['topics'],
  { driver, embedded }: Pick<GatewayConfig['log'], 'driver' | 'embedded'>,
): TopicMaxima {
  const config = new Map(Object.entries({ ...DEFAULT_MAXIMA, ...max_config }));
  if (driver === 'embedded') {
    const { retention_time, retention_bytes, max_record } = embedded;
    const own = { 'retention.ms': retention_time, 'retention.bytes': retention_bytes, 'max.message.bytes': max_record };
    for (const [setting, most] of Object.entries(own))
      config.set(setting, Math.min(most, config.get(setting) ?? Number.POSITIVE_INFINITY));
  }
  return { partitions: max_partitions, replication: max_replication, config: Object.fromEntries(config) };
}
