import type { TestContext } from 'node:test';
import type { LaneObserver, LinkState, Log } from '../../src/core/log.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { cutProduceAnswers, type FaultProxy, requireKafkaBehindProxy } from '../services/fault-proxy.ts';
import type { KafkaOptions, KafkaService } from '../services/kafka.ts';
import { CountingObserver, openLog, plainKafkajs } from './log-fixture.ts';

/** A log on a Kafka of its own, reached through a proxy, with the faults that a test can cause as verbs. */
export class LogRig {
  readonly brokers: string;
  readonly log: Log;
  private readonly name: string;
  private readonly kafka: KafkaService;
  private readonly proxy: FaultProxy;
  private cutsBefore = 0;

  private constructor(name: string, log: Log, kafka: KafkaService, proxy: FaultProxy) {
    this.name = name;
    this.log = log;
    this.kafka = kafka;
    this.proxy = proxy;
    this.brokers = kafka.brokers;
  }

  /** Undefined if there is no Kafka to test with. */
  static async start(t: TestContext, name: string, options: KafkaOptions = {}): Promise<LogRig | undefined> {
    const both = await requireKafkaBehindProxy(t, options);
    if (both === undefined) return undefined;
    return new LogRig(name, await openLog(t, both.kafka.brokers), both.kafka, both.proxy);
  }

  /** Creates a topic and resolves with its name. */
  async createTopic(partitions: number, config: Record<string, string> = {}): Promise<string> {
    const topic = uniqueTopic(this.name);
    await this.log.admin.create({ name: topic, partitions, config });
    return topic;
  }

  lane(topic: string, observer: LaneObserver = new CountingObserver()) {
    return this.log.lane(topic, observer);
  }

  /** Calls the broker as another program would. */
  async asAdmin<T>(act: (admin: ReturnType<ReturnType<typeof plainKafkajs>['admin']>) => Promise<T>): Promise<T> {
    const admin = plainKafkajs(this.brokers).admin();
    await admin.connect();
    try {
      return await act(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** From now on connections stay open and the broker answers nothing, until it thaws or the test ends. */
  freeze(t?: TestContext): void {
    t?.after(() => this.kafka.resume());
    this.kafka.pause();
  }

  thaw(): void {
    this.kafka.resume();
  }

  restartBroker(): Promise<void> {
    return this.kafka.restart();
  }

  /** Cuts all connections and refuses new ones, until they are accepted again or the test ends. */
  refuseConnections(t?: TestContext): void {
    t?.after(() => this.proxy.restore());
    this.proxy.refuse();
  }

  acceptConnections(): void {
    this.proxy.restore();
  }

  /** Cuts the connection in place of a part of the answers to writes, after the broker has stored the batch. */
  cutAfterAppend(part: number, seed: number, t?: TestContext): void {
    t?.after(() => this.stopCutting());
    this.cutsBefore = this.proxy.cuts;
    this.proxy.cutAnswer = cutProduceAnswers(part, seed);
  }

  /** Returns how many answers were cut. */
  stopCutting(): number {
    this.proxy.cutAnswer = () => false;
    return this.proxy.cuts - this.cutsBefore;
  }

  /** Resolves when the log reports that state next. */
  reports(wanted: LinkState['state']): Promise<void> {
    return new Promise((resolve) => {
      const subscription = this.log.link$.subscribe(({ state }) => {
        if (state !== wanted) return;
        resolve();
        queueMicrotask(() => subscription.unsubscribe());
      });
    });
  }
}
