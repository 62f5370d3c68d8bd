import type { TopicSpec } from '../../core/log.ts';
import { tableTopic } from '../../tables/topic.ts';

/** Its name contains that of a topic of the deployment, so that two of them on one Kafka do not mix. */
export function presenceTopicOf(topic: string): string {
  return `_tidegate.${topic}.channels`;
}

/** What has to exist before the presence of channels starts. */
export function channelPresenceTopic(topic: string): TopicSpec {
  return tableTopic(presenceTopicOf(topic));
}
