import type { TopicPartition } from './topic-partition.ts';

/** Names a partition in maps and log lines. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
