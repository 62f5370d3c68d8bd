import { Groups } from '../actors/consumer-group/groups.ts';
import { LogLink } from '../actors/log-link/log-link.ts';
import { Topic } from '../actors/topic/topic.ts';
import type { GatewayConfig } from '../config/index.ts';
import type { Batch } from '../core/batch.ts';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { METRICS, type MetricName, metricOf } from '../telemetry/catalog.ts';
import type { LogLevels } from '../telemetry/log-levels.ts';
import { type Logger, levelsOf } from '../telemetry/logger.ts';
import type { Telemetry } from '../telemetry/start.ts';
import type { Stats } from '../telemetry/stats.ts';
import { createEmbeddedLog } from '../transports/embedded/index.ts';
import { createKafkaLog } from '../transports/kafka/index.ts';
import { EventHub } from './events.ts';
import { OwnGroups } from './own-groups.ts';
import { ReportingLogger } from './reporting-logger.ts';
import { recordOf } from './topic-record.ts';
import { WatchedLog } from './watched-log.ts';

/** Figures of one topic and nothing else. */
const OF_TOPIC = (Object.keys(METRICS) as MetricName[]).filter((name) => {
  const { kind, labels } = metricOf(name);
  return kind !== 'gauge' && labels.length === 1 && labels[0] === 'topic';
});

/** What all parts of a gateway share while it is put together, and afterwards. */
export class Workshop {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  /** Where the logger's levels are changed; undefined where it is a logger of the program's own. */
  readonly levels: LogLevels | undefined;
  readonly stats: Stats;
  readonly telemetry: Telemetry;
  readonly clock = systemClock;
  /** For those who run the gateway. */
  readonly events: EventHub;
  readonly log: WatchedLog;
  readonly link: LogLink;
  readonly groups: Groups;
  readonly ownGroups: OwnGroups;
  /** Topics that are written to, by name. */
  readonly topics = new Map<string, Topic>();
  /** Those that somebody holds on to. */
  private readonly held = new Set<string>();
  /** Topics that are or were read. */
  private readonly consumed = new Set<string>();

  constructor(config: GatewayConfig, logger: Logger, stats: Stats, telemetry: Telemetry) {
    this.config = config;
    this.events = new EventHub(logger);
    this.logger = new ReportingLogger(logger, this.events);
    this.levels = levelsOf(logger);
    this.stats = stats;
    this.telemetry = telemetry;
    this.log = new WatchedLog(this.createLog(), this.events, (topics) => this.reading(topics));
    this.link = new LogLink(this.log, this.scoped('log'));
    this.ownGroups = new OwnGroups(config);
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

  /** The one way to write to a topic, for who holds on to it. */
  topic(name: string): Topic {
    this.held.add(name);
    return this.openTopic(name);
  }

  /** The same for who asks anew for each batch: once the topic is gone from the log, it may be let go. */
  openTopic(name: string): Topic {
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

  /** Names of which something is kept here that could be let go, if they are gone from the log. */
  get passing(): string[] {
    return [...new Set([...this.topics.keys(), ...this.consumed])].filter((name) => !this.held.has(name));
  }

  /** The topic is gone from the log; nothing of it stays, unless something is still on its way into it. */
  letGo(name: string): void {
    const topic = this.topics.get(name);
    if (this.held.has(name) || (topic !== undefined && topic.pending > 0)) return;
    if (topic !== undefined) {
      topic.close();
      this.topics.delete(name);
      this.log.forget(name);
    }
    this.consumed.delete(name);
    for (const metric of OF_TOPIC) this.stats.forget(metric, { topic: name });
  }

  /** Alerts watch for gaps, and see a first one only where the series was there before it. */
  expectReading(topic: string): void {
    this.stats.counter('tidegate_reader_gap_records_total', { topic });
    this.stats.counter('tidegate_reader_recreated_partitions_total', { topic });
  }

  /** Counts, traces and tells what was read, before anybody sees it. */
  polled(batch: Batch, group: string | undefined): void {
    const topic = batch.messages[0]?.topic ?? '';
    this.consumed.add(topic);
    this.stats.counter('tidegate_records_consumed_total', { topic }).value += batch.length;
    this.telemetry.tracing.polled(batch, topic, group);
    if (!this.events.has('consumer-message')) return;
    const consumer = group === undefined ? {} : { group };
    for (const message of batch.messages) this.events.emit('consumer-message', recordOf(message), consumer);
  }

  private reading(topics: readonly string[]): void {
    for (const topic of topics) {
      this.consumed.add(topic);
      this.expectReading(topic);
    }
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
