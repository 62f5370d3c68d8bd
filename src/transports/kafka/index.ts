import type { Observable } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import type {
  GroupMember,
  GroupOptions,
  Lane,
  LaneObserver,
  LinkState,
  Log,
  LogAdmin,
  Reader,
  ReaderOptions,
} from '../../core/log.ts';
import type { Propagation } from '../../core/propagation.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { KafkaAdmin } from './admin.ts';
import { type Compressor, compressorOf } from './compression/compression.ts';
import { type Client, createClient } from './connection/client.ts';
import { Cluster } from './connection/cluster.ts';
import { Link } from './connection/link.ts';
import type { KafkaSettings } from './connection/schema.ts';
import { KafkaReader } from './fetch/reader.ts';
import { KafkaGroupMember } from './group/group.ts';
import { KafkaLane } from './produce/lane.ts';
import { ProducerHolder } from './produce/producer.ts';
import { TopicLimits } from './produce/topic-limits.ts';

export type { KafkaSettings } from './connection/schema.ts';

export interface KafkaLogOptions {
  /** host:port of brokers to begin with. */
  readonly brokers: readonly string[];
  /** As the settings have it: options are the `log` section of the configuration and what the driver needs beside it. */
  readonly client_id: string;
  readonly ssl?: KafkaSettings['ssl'];
  readonly sasl?: KafkaSettings['sasl'];
  readonly compression?: KafkaSettings['compression'];
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  /** How records say which trace they belong to; W3C where it is left out. */
  readonly propagation?: Propagation | undefined;
}

/** Topics that are gone and whose numbers a producer keeps. */
const FORGOTTEN_BY_PRODUCER = 1_000;
/** How long brokers may take to answer, in milliseconds. */
const TIMEOUTS = { probe: 5_000, admin: 10_000, write: 15_000, read: 5_000 };
/** The longest delay of a timer: nothing happens then, but the process stays alive until the log is closed. */
const FOREVER = 2 ** 31 - 1;

/** Kafka by the connections and the protocol of kafkajs. Throws TG_CONFIG_INVALID; connects only when opened. */
export function createKafkaLog(options: KafkaLogOptions): Log {
  return new KafkaLog(options, createClient({ ...options, clientId: options.client_id }));
}

class KafkaLog implements Log {
  readonly driver = 'kafkajs';
  readonly link$: Observable<LinkState>;
  readonly admin: LogAdmin;
  private readonly options: KafkaLogOptions;
  private readonly client: Client;
  private readonly clusters: { probe: Cluster; admin: Cluster; write: Cluster; brief: Cluster };
  private readonly link: Link;
  private readonly producers: ProducerHolder;
  private readonly limits: TopicLimits;
  private readonly compressor: Compressor | undefined;
  /** With the names of their topics. */
  private readonly lanes = new Map<Lane, string>();
  private forgotten = 0;
  private readonly readers = new Set<Reader>();
  private readonly members = new Set<GroupMember>();
  private keepAlive: NodeJS.Timeout | undefined;

  constructor(options: KafkaLogOptions, client: Client) {
    this.options = options;
    this.client = client;
    this.clusters = {
      probe: new Cluster(client, TIMEOUTS.probe),
      admin: new Cluster(client, TIMEOUTS.admin),
      write: new Cluster(client, TIMEOUTS.write),
      brief: new Cluster(client, TIMEOUTS.read),
    };
    this.link = new Link(this.clusters.probe, options.clock, options.logger);
    this.link$ = this.link.state$;
    this.admin = new KafkaAdmin(this.clusters.admin, () => this.link.whyDown);
    this.producers = new ProducerHolder(this.clusters.write);
    this.limits = new TopicLimits(this.clusters.write, options.clock);
    this.compressor = compressorOf(options.compression ?? 'none');
  }

  async open(): Promise<void> {
    this.keepAlive = setInterval(() => undefined, FOREVER);
    this.link.open();
  }

  async close(): Promise<void> {
    for (const lane of this.lanes.keys()) lane.abandon();
    await Promise.all([...this.readers].map((reader) => reader.close()));
    await Promise.all([...this.members].map((member) => member.leave()));
    this.link.close();
    for (const cluster of Object.values(this.clusters)) cluster.close();
    clearInterval(this.keepAlive);
  }

  lane(topic: string, observer: LaneObserver): Lane {
    const { logger, stats, clock, propagation } = this.options;
    const lane = new KafkaLane(topic, observer, {
      cluster: this.clusters.write,
      producers: this.producers,
      limits: this.limits,
      compressor: this.compressor,
      logger,
      stats,
      clock,
      propagation,
    });
    this.lanes.set(lane, topic);
    return lane;
  }

  forget(topic: string): void {
    for (const [lane, name] of this.lanes) if (name === topic) this.lanes.delete(lane);
    this.clusters.write.forget(topic);
    this.clusters.brief.forget(topic);
    this.limits.forget(topic);
    this.forgotten += 1;
    // A producer that counted from 0 again would lose records where the topic is there after all: another one may.
    if (this.forgotten % FORGOTTEN_BY_PRODUCER === 0) this.producers.renew();
  }

  reader(options: ReaderOptions): Reader {
    const { logger, stats, clock, propagation } = this.options;
    const own = options.isBrief === true ? undefined : new Cluster(this.client, TIMEOUTS.read);
    const reader: Reader = new KafkaReader(options, {
      cluster: own ?? this.clusters.brief,
      logger,
      stats,
      clock,
      propagation,
      closed: () => {
        own?.close();
        this.readers.delete(reader);
      },
    });
    this.readers.add(reader);
    return reader;
  }

  group(options: GroupOptions): GroupMember {
    const { logger, stats, clock, propagation } = this.options;
    const member: GroupMember = new KafkaGroupMember(options, {
      coordination: new Cluster(this.client, TIMEOUTS.read),
      data: new Cluster(this.client, TIMEOUTS.read),
      logger,
      stats,
      clock,
      propagation,
      writing: options.transactions === undefined ? undefined : this.writing(),
      left: () => this.members.delete(member),
    });
    this.members.add(member);
    return member;
  }

  /** Of a member's own: what a pipeline waits for must not hold up the lanes of others. */
  private writing() {
    const cluster = new Cluster(this.client, TIMEOUTS.write);
    return { cluster, limits: new TopicLimits(cluster, this.options.clock), compressor: this.compressor };
  }
}
