/**
 * Topics that brokers and gateways use for their own work, which no client and no connector may touch. Kafka's begin with
 * two underscores (org.apache.kafka.common.internals.Topic), those of gateways with `_tidegate`, unless the configuration
 * gives them other names: these are listed.
 */
export class InternalTopics {
  private named: ReadonlySet<string>;

  constructor(named: Iterable<string> = []) {
    this.named = new Set(named);
  }

  /** The configuration gives them these names from now on. */
  become(named: Iterable<string>): void {
    this.named = new Set(named);
  }

  /** Whether gateways use the topic for their own work. Asked for every message. */
  isOfGateways(topic: string): boolean {
    return topic.startsWith('_tidegate') || this.named.has(topic);
  }

  /** Whether gateways or brokers use the topic for their own work. Asked for every message. */
  has(topic: string): boolean {
    return topic.startsWith('__') || this.isOfGateways(topic);
  }
}
