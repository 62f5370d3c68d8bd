import { Topic } from '../actors/topic/topic.ts';
import type { Log, TopicSpec } from '../core/log.ts';
import { createEmbeddedLog } from '../transports/embedded/index.ts';
import type { Workshop } from './workshop.ts';

/** A log on this machine beside the gateway's own, for what concerns nobody else. */
export class LocalLog {
  readonly log: Log;
  private readonly workshop: Workshop;
  private readonly topics = new Map<string, Topic>();

  constructor(workshop: Workshop, path: string) {
    const { stats, clock } = workshop;
    this.workshop = workshop;
    this.log = createEmbeddedLog({ path, logger: workshop.scoped('log'), stats, clock });
  }

  /** The one way to write to a topic of it. */
  topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const { stats, telemetry } = this.workshop;
    const logger = this.workshop.scoped('lane');
    const topic = new Topic({ name, log: this.log, logger, stats, tracing: telemetry.tracing });
    this.topics.set(name, topic);
    return topic;
  }

  /** Rejects with TG_DATA_DIR_OWNED or TG_DATA_DIR_UNUSABLE. */
  async open(wanted: readonly TopicSpec[]): Promise<void> {
    await this.log.open();
    for (const topic of wanted) await this.log.admin.create(topic);
  }

  /** Writes what is on its way. */
  async close(): Promise<void> {
    await Promise.all([...this.topics.values()].map((topic) => topic.drained()));
    await this.log.close();
  }
}
