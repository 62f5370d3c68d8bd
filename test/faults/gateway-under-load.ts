import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { LoadClient, lost } from '../helpers/load.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import type { KafkaService } from '../services/kafka.ts';

const CONFIG = 'test/fixtures/tight.yaml';

/** A gateway with clients that send without pause, on a Kafka of its own that a test can freeze. */
export class GatewayUnderLoad {
  readonly gateway: GatewayProcess;
  readonly url: string;
  clients: readonly LoadClient[] = [];
  private readonly kafka: KafkaService;

  private constructor(gateway: GatewayProcess, kafka: KafkaService) {
    this.gateway = gateway;
    this.kafka = kafka;
    this.url = `ws://127.0.0.1:${gateway.port}/ws`;
  }

  /** Resolves when the gateway is ready; the load begins with `loadFrom`. */
  static async start(t: TestContext, kafka: KafkaService, env: Record<string, string> = {}): Promise<GatewayUnderLoad> {
    const gateway = await startGateway(t, { config: CONFIG, env: { KAFKA_BROKERS: kafka.brokers, ...env } });
    await gateway.ready();
    return new GatewayUnderLoad(gateway, kafka);
  }

  /** Connects clients with up to `window` unanswered messages each; resolves when each has more than `acked` ACKs. */
  async loadFrom(names: readonly string[], window: number, acked: number): Promise<void> {
    this.clients = await Promise.all(names.map((name) => LoadClient.open(name, this.url, window)));
    await until(
      () => this.clients.every((client) => client.acked.size > acked),
      30_000,
      () => 'the load has not begun',
    );
  }

  freeze(): void {
    this.kafka.pause();
  }

  thaw(): void {
    this.kafka.resume();
  }

  /** The number of ACKs that each client has. */
  acked(): number[] {
    return this.clients.map(({ acked }) => acked.size);
  }

  /** Resolves when each client has `more` ACKs than before. */
  async continuesFrom(before: readonly number[], more: number): Promise<void> {
    await until(
      () => this.clients.every(({ acked }, at) => acked.size > (before[at] ?? 0) + more),
      30_000,
      () => 'the load has not continued',
    );
  }

  /** Ends the load; resolves when every message is answered. */
  async finish(): Promise<void> {
    for (const client of this.clients) client.halt();
    await until(
      () => this.clients.every(({ unanswered }) => unanswered === 0),
      30_000,
      () => 'some messages are not answered',
    );
  }

  /** How often each id is in the topic; every message with an ACK is there. */
  async stored(): Promise<ReadonlyMap<string, number>> {
    const stored = countIds(await readTopic(this.kafka.brokers, 'messages'));
    assert.deepEqual(lost(this.clients, stored), []);
    return stored;
  }

  async metrics(): Promise<string> {
    return (await this.gateway.get('/metrics')).body;
  }

  /** The largest resident memory so far, in MiB. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.gateway.process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
  }
}
