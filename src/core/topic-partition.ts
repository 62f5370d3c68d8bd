/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  /** From 0 on. */
  readonly partition: number;
}
