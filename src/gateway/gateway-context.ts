import { randomUUID } from 'node:crypto';
import { Groups } from '../actors/consumer-group/groups.ts';
import { LogLink } from '../actors/log-link/log-link.ts';
import { Topic } from '../actors/topic/topic.ts';
import { FeedSuccession } from '../channels/feed/feed-succession.ts';
import type { GatewayConfig } from '../config/index.ts';
import { Baggage } from '../core/baggage.ts';
import { ClientMemory } from '../core/client-memory.ts';
import { awakeClock, type Clock, systemClock } from '../core/clock.ts';
import type { InternalTopics } from '../core/internal-topics.ts';
import type { Log, StartPosition } from '../core/log.ts';
import { type Propagation, propagationOf } from '../core/propagation.ts';
import { METRICS, type MetricName, metricOf } from '../telemetry/catalog.ts';
import { EventHub } from '../telemetry/events.ts';
import type { LogLevels } from '../telemetry/log-levels.ts';
import { type Logger, levelsOf } from '../telemetry/logger.ts';
import type { PartContext } from '../telemetry/part-context.ts';
import { PartLogger } from '../telemetry/part-logger.ts';
import { startTelemetry, type Telemetry } from '../telemetry/start.ts';
import { createStats, type Stats } from '../telemetry/stats.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { VERSION } from '../version.ts';
import { Reading } from './reading.ts';
import { internalNames, internalTopicsOf, OwnGroups } from './reserved-names.ts';

/** Makes the log of a configuration. */
export type LogDriver = (shared: {
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly propagation: Propagation;
}) => Log;

/** What a gateway goes by in place of the system's clock and of the log that its configuration names. */
export interface Surroundings {
  readonly clock?: Clock | undefined;
  readonly createLog?: LogDriver | undefined;
  /** Gives the ids of clients; random ones if left out. */
  readonly newId?: (() => string) | undefined;
}

/** Where a reader of these topics was. */
export interface HandedOver {
  readonly topics: readonly string[];
  readonly from: StartPosition;
}

/** Metrics whose only label is a topic. */
const OF_TOPIC = (Object.keys(METRICS) as MetricName[]).filter((name) => {
  const { kind, labels } = metricOf(name);
  return kind !== 'gauge' && labels.length === 1 && labels[0] === 'topic';
});

/** What all parts of a gateway share: its configuration, log, clock, metrics, traces, events, and the topics and groups that it uses. */
export class GatewayContext implements PartContext {
  /** The one that holds now: do not keep it. */
  config: GatewayConfig;
  readonly logger: Logger;
  /** Where the logger's levels are changed; undefined where it is a logger of the program's own. */
  readonly levels: LogLevels | undefined;
  readonly stats: Stats;
  readonly telemetry: Telemetry;
  readonly tracing: Tracing;
  readonly clock: Clock;
  /** The same for a stop and for those that wait for the gateway: its timers keep the process alive. */
  readonly awakeClock: Clock;
  /** Gives the ids of clients. */
  readonly newId: () => string;
  readonly propagation: Propagation;
  /** undefined where baggage is not carried. */
  readonly baggage: Baggage | undefined;
  /** For the program that runs the gateway. */
  readonly events: EventHub;
  /** What is held for clients of all endpoints. */
  readonly memory: ClientMemory;
  readonly log: Log;
  readonly link: LogLink;
  readonly reading: Reading;
  readonly groups: Groups;
  readonly ownGroups: OwnGroups;
  readonly internalTopics: InternalTopics;
  /** Topics that are written to, by name. */
  readonly topics = new Map<string, Topic>();
  /** Those that are kept open, by the parts that write to them. */
  private readonly held = new Map<string, Set<object>>();
  /** The part that this view of the context is for. */
  private readonly holder: object = this;
  /** Where readers of pipelines that ended were, for those that take their place; by the path of the source. */
  readonly positions = new Map<string, HandedOver>();
  readonly feeds = new FeedSuccession();

  /** Starts telemetry, and loads the log's driver. */
  static async create(
    config: GatewayConfig,
    logger: Logger,
    { createLog, ...others }: Surroundings = {},
  ): Promise<GatewayContext> {
    const { service_name, max_per_second, propagators, ...tracing } = config.tracing;
    const stats = createStats();
    const telemetry = await startTelemetry({
      tracing: { ...tracing, maxPerSecond: max_per_second, propagation: propagationOf(propagators) },
      service: { name: service_name, version: VERSION, instance: randomUUID() },
      stats,
      isScraped: config.admin.enabled,
      logger: logger.child({ scope: 'telemetry' }),
      clock: others.clock ?? systemClock,
    });
    const driver = createLog ?? (await loadLogDriver(config.log));
    return new GatewayContext(config, driver, logger, stats, telemetry, others);
  }

  constructor(
    config: GatewayConfig,
    createLog: LogDriver,
    logger: Logger,
    stats: Stats,
    telemetry: Telemetry,
    { clock, newId = randomUUID }: Surroundings = {},
  ) {
    this.config = config;
    this.clock = clock ?? systemClock;
    this.awakeClock = clock ?? awakeClock;
    this.newId = newId;
    this.memory = new ClientMemory(config.memory.limit);
    this.events = new EventHub(logger);
    this.logger = new PartLogger(logger, this.events);
    this.levels = levelsOf(logger);
    this.baggage = baggageOf(config, this.scoped('tracing'));
    this.stats = stats;
    this.telemetry = telemetry;
    this.tracing = telemetry.tracing;
    this.propagation = propagationOf(config.tracing.propagators);
    this.internalTopics = internalTopicsOf(config);
    this.log = createLog({ logger: this.scoped('log'), stats, clock: this.clock, propagation: this.propagation });
    this.link = new LogLink(this.log, this.scoped('log'), this.events);
    this.reading = new Reading(this);
    this.ownGroups = new OwnGroups(config);
    this.groups = new Groups({
      log: this.log,
      logger: this.scoped('groups'),
      clock: this.clock,
      maxHeld: config.memory.groups,
      polled: (batch, group) => this.reading.polled(batch, group),
      report: this.reading,
      left: (group) => this.forgetGroup(group),
    });
    stats.gauge('tidegate_memory_held_bytes', { kind: 'groups' }, () => this.groups.heldBytes);
    stats.gauge('tidegate_group_consumers', {}, () => this.groups.all.reduce((sum, { size }) => sum + size, 0));
  }

  scoped(scope: string, facts: Readonly<Record<string, string>> = {}): Logger {
    return this.logger.child({ scope, ...facts });
  }

  /** From now on this is the configuration. */
  reconfigure(config: GatewayConfig): void {
    this.config = config;
    this.internalTopics.become(internalNames(config));
  }

  /** The context as a part sees it that may end before the gateway: `release` lets go of the topics that it has kept. */
  heldBy(holder: object): GatewayContext {
    return Object.assign(Object.create(this) as GatewayContext, { holder });
  }

  /** The one way to write to a topic, for parts that keep it. */
  topic(name: string): Topic {
    const holders = this.held.get(name) ?? new Set();
    this.held.set(name, holders.add(this.holder));
    return this.openTopic(name);
  }

  /** Clients must not join it while the part reads in it. */
  reserveGroup(name: string): void {
    this.ownGroups.add(name, this.holder);
  }

  /** That part reads and writes no more. */
  release(holder: object): void {
    this.ownGroups.release(holder);
    for (const [name, holders] of this.held) {
      if (!holders.delete(holder) || holders.size > 0) continue;
      this.held.delete(name);
      this.closeTopic(name);
    }
  }

  /** The same for parts that ask for each batch: once the topic is gone from the log, it may be let go. */
  openTopic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = new Topic({
      name,
      log: this.log,
      logger: this.scoped('lane'),
      stats: this.stats,
      tracing: this.tracing,
      events: this.events,
    });
    this.topics.set(name, topic);
    return topic;
  }

  /** Names of which something is kept here that could be let go, if they are gone from the log. */
  get passing(): string[] {
    return [...new Set([...this.topics.keys(), ...this.reading.topics])].filter((name) => !this.held.has(name));
  }

  /** The topic is gone from the log; nothing of it stays, unless messages for it are in flight. */
  letGo(name: string): void {
    if (this.held.has(name) || !this.closeTopic(name)) return;
    this.reading.forget(name);
    for (const metric of OF_TOPIC) this.stats.forget(metric, { topic: name });
  }

  /** False where messages for it are in flight. */
  private closeTopic(name: string): boolean {
    const topic = this.topics.get(name);
    if (topic === undefined) return true;
    if (topic.pending > 0) return false;
    topic.close();
    this.topics.delete(name);
    this.log.forget(name);
    return true;
  }

  /** A pipeline may be in a group of that name, too. */
  private forgetGroup(group: string): void {
    if (this.reading.members.some((member) => member.group === group)) return;
    this.stats.forget('tidegate_commits_total', { group });
  }
}

/** Clients may send anything, so that baggage was cut is logged once and not for each of them. */
function baggageOf({ tracing }: GatewayConfig, logger: Logger): Baggage | undefined {
  if (!tracing.baggage) return undefined;
  let isLogged = false;
  return new Baggage(tracing.propagators, () => {
    if (isLogged) return;
    isLogged = true;
    logger.warn(
      {},
      'baggage of a client is malformed, or above 64 members or 8,192 bytes; invalid and excess members are dropped, and this is logged once',
    );
  });
}

/** Loads the driver that the configuration names, and not the other: kafkajs alone is 150 modules. */
async function loadLogDriver(log: GatewayConfig['log']): Promise<LogDriver> {
  if (log.driver === 'embedded') {
    const { createEmbeddedLog } = await import('../transports/embedded/index.ts');
    return (shared) => createEmbeddedLog({ ...log.embedded, ...shared });
  }
  const { createKafkaLog } = await import('../transports/kafka/index.ts');
  return (shared) => createKafkaLog({ ...log, ...shared });
}
