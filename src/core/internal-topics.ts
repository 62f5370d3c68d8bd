/** Topics by which gateways talk to each other and remember what is theirs. */
export function isOwnTopic(topic: string): boolean {
  return topic.startsWith('_tidegate');
}

/** Topics by which brokers and gateways do their own work; Kafka's begin with two underscores (org.apache.kafka.common.internals.Topic). */
export function isInternalTopic(topic: string): boolean {
  return topic.startsWith('__') || isOwnTopic(topic);
}
