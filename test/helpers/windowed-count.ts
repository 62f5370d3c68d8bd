import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type GatewayProcess, startGateway } from './gateway-process.ts';
import { KafkaAdmin } from './kafka-admin.ts';
import { readTopic } from './topic-content.ts';
import { uniqueTopic } from './unique-topic.ts';

const WINDOW = 10_000;
const START = 1_700_000_000_000;
/** Where the time of all partitions goes at the end, so that every window ends. */
const END = START + 10_000 * WINDOW;

export interface CountingOptions {
  readonly partitions?: number;
  readonly keys?: number;
  /** More settings of the pipeline, as lines of YAML. */
  readonly pipeline?: string;
  /** Values of the topic of results; all of them where it is left out. */
  readonly read?: (brokers: string, topic: string) => Promise<readonly { readonly value: string }[]>;
}

/** Gateways that count the records of a topic by key in windows of ten seconds. */
export class WindowedCount {
  readonly topic = uniqueTopic('clicks');
  readonly results = uniqueTopic('counts');
  /** How often each key was produced in each window. */
  readonly expected = new Map<string, number>();
  private readonly t: TestContext;
  private readonly brokers: string;
  private readonly admin: KafkaAdmin;
  private readonly options: Required<CountingOptions>;
  private second = 0;

  private constructor(t: TestContext, brokers: string, admin: KafkaAdmin, options: CountingOptions) {
    this.t = t;
    this.brokers = brokers;
    this.admin = admin;
    this.options = { partitions: 6, keys: 30, pipeline: '', read: readTopic, ...options };
  }

  static async start(t: TestContext, brokers: string, options: CountingOptions = {}): Promise<WindowedCount> {
    const counting = new WindowedCount(t, brokers, await KafkaAdmin.connect(t, brokers), options);
    await counting.admin.create(counting.topic, counting.options.partitions);
    await counting.admin.create(counting.results);
    return counting;
  }

  async gateway(): Promise<GatewayProcess> {
    const gateway = await startGateway(this.t, {
      args: ['run', this.config()],
      env: { KAFKA_BROKERS: this.brokers },
    });
    await gateway.ready();
    return gateway;
  }

  /** A click of each key in each of so many seconds. */
  async produce(seconds: number): Promise<void> {
    const messages: { key: string; value: string }[] = [];
    for (let n = 0; n < seconds; n += 1) {
      const at = START + this.second * 1_000;
      this.second += 1;
      for (let key = 0; key < this.options.keys; key += 1) {
        const window = `k${key} ${Math.floor(at / WINDOW) * WINDOW}`;
        this.expected.set(window, (this.expected.get(window) ?? 0) + 1);
        messages.push({ key: `k${key}`, value: JSON.stringify({ at }) });
      }
    }
    await this.admin.produce(this.topic, messages);
  }

  /** One record in each partition, far behind all others. */
  async produceTheEnd(): Promise<void> {
    await this.admin.produce(
      this.topic,
      Array.from({ length: this.options.partitions }, (_, partition) => ({
        key: 'end',
        partition,
        value: JSON.stringify({ at: END }),
      })),
    );
  }

  /** All counts that are in the topic of results, by key and window; more than one where a result came twice. */
  async stored(): Promise<Map<string, number[]>> {
    const counts = new Map<string, number[]>();
    for (const { value } of await this.options.read(this.brokers, this.results)) {
      const { key, start, n } = JSON.parse(value) as { key: string; start: number; n: number };
      const window = `${key} ${start}`;
      counts.set(window, [...(counts.get(window) ?? []), n]);
    }
    return counts;
  }

  /** Windows with another count than they should have, those that never came, and those that should not be there. */
  async faults(): Promise<string[]> {
    const stored = await this.stored();
    const wrong = [...stored].filter(([window, counts]) => counts.some((n) => n !== this.expected.get(window)));
    const missing = [...this.expected.keys()].filter((window) => !stored.has(window));
    return [...wrong.map(([window, counts]) => `${window}: ${counts}`), ...missing.map((window) => `${window}: none`)];
  }

  private config(): string {
    const path = join(process.env.TMPDIR ?? '/tmp', `${this.topic}.yaml`);
    writeFileSync(
      path,
      `log: { brokers: "\${KAFKA_BROKERS}" }
admin: { port: "\${ADMIN_PORT}" }
pipelines:
  count:
    source: { topic: { names: [${this.topic}], group: ${this.topic}, from: earliest } }
    processors:
      - window: { tumbling: 10s, time: "\${! json.at }", aggregate: { n: count } }
    sink: { topic: { name: ${this.results} } }
${this.options.pipeline.replace(/^(?=.)/gm, '    ')}
`,
    );
    return path;
  }
}
