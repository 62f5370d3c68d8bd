import { Topic } from '../actors/topic/topic.ts';
import type { Log, TopicSpec } from '../core/log.ts';
import { createEmbeddedLog } from '../transports/embedded/index.ts';
import type { GatewayContext } from './gateway-context.ts';

/** A log on this machine beside the gateway's own, for what belongs to this gateway alone. */
export class LocalLog {
  readonly log: Log;
  private readonly context: GatewayContext;
  private readonly topics = new Map<string, Topic>();

  constructor(context: GatewayContext, path: string) {
    const { stats, clock } = context;
    this.context = context;
    this.log = createEmbeddedLog({ path, logger: context.scoped('log'), stats, clock });
  }

  /** The one way to write to a topic of it. */
  topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const { stats, tracing } = this.context;
    const logger = this.context.scoped('lane');
    const topic = new Topic({ name, log: this.log, logger, stats, tracing });
    this.topics.set(name, topic);
    return topic;
  }

  /** Rejects with TG_DATA_DIR_OWNED or TG_DATA_DIR_UNUSABLE. */
  async open(wanted: readonly TopicSpec[]): Promise<void> {
    await this.log.open();
    for (const topic of wanted) await this.log.admin.create(topic);
  }

  /** Writes in-flight messages first. */
  async close(): Promise<void> {
    await Promise.all([...this.topics.values()].map((topic) => topic.drained()));
    await this.log.close();
  }
}
