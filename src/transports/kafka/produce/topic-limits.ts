import type { Clock } from '../../../core/clock.ts';
import type { Cluster } from '../connection/cluster.ts';

/** Kafka's own default of max.message.bytes. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

const TOPIC_RESOURCE = 2;

/** How large a record batch of a topic may be. */
export class TopicLimits {
  private readonly cluster: Cluster;
  private readonly clock: Clock;
  private readonly known = new Map<string, { bytes: number; readAt: number }>();

  constructor(cluster: Cluster, clock: Clock) {
    this.cluster = cluster;
    this.clock = clock;
  }

  /** Bytes as last read; Kafka's default while nothing is known. */
  of(topic: string): number {
    return this.known.get(topic)?.bytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  }

  /** Milliseconds since it was read; Infinity when it never was. */
  age(topic: string): number {
    const known = this.known.get(topic);
    return known === undefined ? Number.POSITIVE_INFINITY : this.clock.elapsed() - known.readAt;
  }

  forget(topic: string): void {
    this.known.delete(topic);
  }

  /** Reads it anew. Keeps what is known where the broker is away or does not let us ask. */
  async read(topic: string): Promise<number> {
    try {
      const bytes = await readMaxMessageBytes(this.cluster, topic);
      this.known.set(topic, { bytes, readAt: this.clock.elapsed() });
      return bytes;
    } catch {
      return this.of(topic);
    }
  }
}

interface ConfigsAnswer {
  readonly resources: readonly {
    readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
  }[];
}

export async function readMaxMessageBytes(cluster: Cluster, topic: string): Promise<number> {
  const answer = await cluster.any().request<ConfigsAnswer>('DescribeConfigs', {
    resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: ['max.message.bytes'] }],
    includeSynonyms: false,
  });
  const entry = answer.resources[0]?.configEntries.find(({ configName }) => configName === 'max.message.bytes');
  return entry === undefined ? DEFAULT_MAX_MESSAGE_BYTES : Number(entry.configValue);
}
