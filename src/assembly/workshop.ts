import { Groups } from '../actors/consumer-group/groups.ts';
import { LogLink } from '../actors/log-link/log-link.ts';
import { Topic } from '../actors/topic/topic.ts';
import type { GatewayConfig } from '../config/index.ts';
import type { Batch } from '../core/batch.ts';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Telemetry } from '../telemetry/start.ts';
import type { Stats } from '../telemetry/stats.ts';
import { createEmbeddedLog } from '../transports/embedded/index.ts';
import { createKafkaLog } from '../transports/kafka/index.ts';
import { EventHub } from './events.ts';
import { ReportingLogger } from './reporting-logger.ts';
import { recordOf } from './topic-record.ts';
import { WatchedLog } from './watched-log.ts';

/** What all parts of a gateway share while it is put together, and afterwards. */
export class Workshop {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly telemetry: Telemetry;
  readonly clock = systemClock;
  /** For those who run the gateway. */
  readonly events: EventHub;
  readonly log: WatchedLog;
  readonly link: LogLink;
  readonly groups: Groups;
  /** Topics that are written to, by name. */
  readonly topics = new Map<string, Topic>();

  constructor(config: GatewayConfig, logger: Logger, stats: Stats, telemetry: Telemetry) {
    this.config = config;
    this.events = new EventHub(logger);
    this.logger = new ReportingLogger(logger, this.events);
    this.stats = stats;
    this.telemetry = telemetry;
    this.log = new WatchedLog(this.createLog(), this.events);
    this.link = new LogLink(this.log, this.scoped('log'));
    this.groups = new Groups({
      log: this.log,
      logger: this.scoped('groups'),
      clock: this.clock,
      maxHeld: config.memory.groups,
      polled: (batch, group) => this.polled(batch, group),
      left: (group) => this.forgetGroup(group),
    });
    stats.gauge('tidegate_memory_held_bytes', { kind: 'groups' }, () => this.groups.heldBytes);
  }

  scoped(scope: string, facts: Readonly<Record<string, string>> = {}): Logger {
    return this.logger.child({ scope, ...facts });
  }

  /** The one way to write to a topic. */
  topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = new Topic({
      name,
      log: this.log,
      logger: this.scoped('lane'),
      stats: this.stats,
      tracing: this.telemetry.tracing,
    });
    this.topics.set(name, topic);
    return topic;
  }

  /** Counts, traces and tells what was read, before anybody sees it. */
  polled(batch: Batch, group: string | undefined): void {
    const topic = batch.messages[0]?.topic ?? '';
    this.stats.counter('tidegate_records_consumed_total', { topic }).value += batch.length;
    this.telemetry.tracing.polled(batch, topic, group);
    if (!this.events.has('consumer-message')) return;
    const consumer = group === undefined ? {} : { group };
    for (const message of batch.messages) this.events.emit('consumer-message', recordOf(message), consumer);
  }

  /** A pipeline may be in a group of that name, too. */
  private forgetGroup(group: string): void {
    if (this.log.members.some((member) => member.group === group)) return;
    this.stats.forget('tidegate_commits_total', { group });
  }

  private createLog(): Log {
    const { log } = this.config;
    const common = { logger: this.scoped('log'), stats: this.stats, clock: this.clock };
    return log.driver === 'embedded'
      ? createEmbeddedLog({ ...log.embedded, ...common })
      : createKafkaLog({ ...log, ...common });
  }
}
