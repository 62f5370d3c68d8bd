import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { DeliveryLedger } from '../helpers/delivery-ledger.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { pass } from './log-fixture.ts';

/** As in test/fixtures/topics.yaml, in milliseconds. */
export const COMMIT_INTERVAL = 500;
const GROUP = 'chaos';
const TOPIC = 'orders';
const KEYS = 1_000;
const SEND = 500;
/** Pause between two looks at the committed offsets, in milliseconds. */
const LOOK = 100;

interface Member {
  readonly name: string;
  readonly gateway: string;
  readonly client: TopicsClient;
}

/** Gateways whose clients are all in one group, and a ledger of what each of them gets. */
export class TopicChaos {
  readonly ledger: DeliveryLedger;
  readonly kafka: KafkaAdmin;
  readonly gateways = new Map<string, GatewayProcess>();
  readonly members = new Map<string, Member>();
  /** Records in the topic. */
  produced = 0;
  /** Clients that were killed, and clients that lost their gateway. */
  killed = 0;
  closed = 0;
  /** Records in flight to a client when it was killed, as far as the client could still see them. */
  unread = 0;
  private readonly t: TestContext;
  private readonly brokers: string;
  private readonly looking: Promise<void>;
  private isOver = false;
  private joined = 0;

  private constructor(t: TestContext, brokers: string, kafka: KafkaAdmin, partitions: number) {
    this.t = t;
    this.brokers = brokers;
    this.kafka = kafka;
    this.ledger = new DeliveryLedger(partitions);
    this.looking = this.look();
  }

  static async start(t: TestContext, brokers: string, partitions: number): Promise<TopicChaos> {
    const kafka = await KafkaAdmin.connect(t, brokers);
    await kafka.create(TOPIC, partitions);
    const chaos = new TopicChaos(t, brokers, kafka, partitions);
    t.after(() => chaos.stop());
    return chaos;
  }

  /** Resolves once it is ready. */
  async startGateway(name: string): Promise<void> {
    const env = { KAFKA_BROKERS: this.brokers };
    const gateway = await startGateway(this.t, { config: 'test/fixtures/topics.yaml', env });
    if (gateway.process.stdout !== null)
      createInterface(gateway.process.stdout).on('line', (line) => {
        if (!/ (?:gave us|assigned) /.test(line)) return;
        const { time } = JSON.parse(line) as { time: string };
        this.ledger.interrupted('assigned again', name, Date.parse(time));
      });
    await gateway.ready();
    this.gateways.set(name, gateway);
  }

  /** Connects clients and resolves when all are subscribed. */
  async join(gateway: string, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.joinOne(gateway)));
  }

  /** Produces records with keys until the topic has `until` of them, at most `rate` a second. */
  async produce(until: number, rate: number): Promise<void> {
    const kafka = new Kafka({ brokers: [this.brokers], clientId: 'test-producer', logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const began = performance.now();
    const before = this.produced;
    while (this.produced < until) {
      const messages = Array.from({ length: Math.min(SEND, until - this.produced) }, (_, index) => ({
        key: `key-${(this.produced + index) % KEYS}`,
        value: `${this.produced + index}`.padEnd(100, '.'),
      }));
      await producer.send({ topic: TOPIC, messages });
      this.produced += messages.length;
      await pass(began + ((this.produced - before) / rate) * 1_000 - performance.now());
    }
    await producer.disconnect();
  }

  /** Kills a client that has partitions and starts another one; a client that `stalls` stops reading before. */
  async killOne(at: number, stalls: boolean): Promise<void> {
    const serving = this.ledger.holders.filter((name) => this.members.has(name));
    const member = this.members.get(serving[at % serving.length] ?? '');
    if (member === undefined) return;
    if (stalls) {
      member.client.client.ws.pause();
      await pass(150);
    }
    this.members.delete(member.name);
    this.ledger.interrupted('client killed', member.name);
    member.client.kill();
    this.killed += 1;
    if (this.gateways.has(member.gateway)) await this.joinOne(member.gateway).catch(() => {});
  }

  async killGateway(name: string): Promise<void> {
    const gateway = this.gateways.get(name);
    this.gateways.delete(name);
    this.ledger.interrupted('gateway killed', name);
    await gateway?.stop('SIGKILL');
  }

  /** Kills clients, one after the other, until the returned function is called. */
  keepKilling(pause: number): () => Promise<void> {
    let isOn = true;
    const killing = (async () => {
      for (let at = 0; isOn; at += 5) {
        await this.killOne(at, at % 2 === 0);
        await pass(pause);
      }
    })();
    return () => {
      isOn = false;
      return killing;
    };
  }

  /** Resolves when the topic has that many records. */
  async reaches(count: number): Promise<void> {
    while (this.produced < count) await pass(10);
  }

  /** Resolves with the verdict when a client has received every record, and all are committed in Kafka. */
  async end(timeout = 30_000): Promise<ReturnType<DeliveryLedger['judge']>> {
    for (const end = Date.now() + timeout; this.ledger.distinct < this.produced; await pass(20)) {
      if (Date.now() > end)
        throw new Error(`${this.ledger.distinct} of ${this.produced} came within ${timeout} ms`, {
          cause: this.ledger.judge().faults.slice(0, 10),
        });
    }
    const offsets = await this.kafka.admin.fetchTopicOffsets(TOPIC);
    const ends = offsets.sort((one, other) => one.partition - other.partition).map(({ high }) => Number(high));
    await this.kafka.commits(GROUP, TOPIC, ends);
    return this.ledger.judge();
  }

  describe(): string {
    const again = Object.entries(this.ledger.judge().repeats).map(
      ([cause, { count, age }]) => `${count} (${cause}; ${age.toFixed(0)} ms old at most)`,
    );
    const { delivered } = this.ledger;
    return `${this.produced} records, ${delivered} deliveries; again: ${again.join(', ')}; killed ${this.killed} clients with ${this.unread} records unread, ${this.closed} lost their gateway`;
  }

  private async joinOne(gateway: string): Promise<void> {
    const process = this.gateways.get(gateway);
    if (process === undefined) throw new Error(`there is no gateway ${gateway}`);
    const client = await TopicsClient.open(process.port, '/open');
    this.joined += 1;
    const name = `${gateway}-${this.joined}`;
    const { ws } = client.client;
    ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(String(data)) as unknown;
      if (!Array.isArray(frame)) return;
      // `ws` still emits frames that the client had not taken when it was killed.
      if (ws.readyState !== ws.OPEN) this.unread += frame.length;
      else this.take(name, frame);
    });
    ws.on('close', () => {
      if (this.members.delete(name)) this.closed += 1;
    });
    const reply = await client.topic('subscribe', {
      t: TOPIC,
      consumer_group: GROUP,
      from: 'earliest',
      detail: true,
    });
    if (reply.s !== 0) throw new Error(`${name} cannot subscribe: ${String(reply.p)}`);
    this.members.set(name, { name, gateway, client });
  }

  private take(name: string, records: readonly { readonly partition: number; readonly offset: number }[]): void {
    for (const { partition, offset } of records) this.ledger.deliver(name, partition, offset);
  }

  /** Repeatedly asks Kafka for the committed offsets. */
  private async look(): Promise<void> {
    while (!this.isOver) {
      const offsets = await this.kafka.committed(GROUP, TOPIC).catch(() => []);
      this.ledger.committed(offsets);
      await pass(LOOK);
    }
  }

  private async stop(): Promise<void> {
    this.isOver = true;
    await this.looking;
    for (const { client } of this.members.values()) client.kill();
  }
}
