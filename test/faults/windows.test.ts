import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const PARTITIONS = 6;
const KEYS = 30;
const WINDOW = 10_000;
const START = 1_700_000_000_000;
/** Where the time of all partitions goes at the end, so that every window ends. */
const END = START + 1_000 * WINDOW;

/** Gateways that count the records of a topic by key in windows of ten seconds. */
class Counting {
  readonly topic = uniqueTopic('clicks');
  readonly results = uniqueTopic('counts');
  private readonly t: TestContext;
  private readonly brokers: string;
  private readonly admin: KafkaAdmin;
  /** How often each key was produced in each window. */
  readonly expected = new Map<string, number>();
  private second = 0;

  private constructor(t: TestContext, brokers: string, admin: KafkaAdmin) {
    this.t = t;
    this.brokers = brokers;
    this.admin = admin;
  }

  static async start(t: TestContext, brokers: string): Promise<Counting> {
    const counting = new Counting(t, brokers, await KafkaAdmin.connect(t, brokers));
    await counting.admin.create(counting.topic, PARTITIONS);
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
      for (let key = 0; key < KEYS; key += 1) {
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
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        key: 'end',
        partition,
        value: JSON.stringify({ at: END }),
      })),
    );
  }

  /** All counts that are in the topic of results, by key and window; more than one where a result came twice. */
  async stored(): Promise<Map<string, number[]>> {
    const counts = new Map<string, number[]>();
    for (const { value } of await readTopic(this.brokers, this.results)) {
      const { key, start, n } = JSON.parse(value) as { key: string; start: number; n: number };
      const window = `${key} ${start}`;
      counts.set(window, [...(counts.get(window) ?? []), n]);
    }
    return counts;
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
`,
    );
    return path;
  }
}

test('each window comes with its right count when gateways are killed, stopped and started', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const counting = await Counting.start(t, kafka.brokers);
  const [first, second] = await Promise.all([counting.gateway(), counting.gateway()]);
  await counting.produce(25);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await counting.produce(8);
  await first.stop('SIGKILL');
  await counting.produce(30);
  const third = await counting.gateway();
  await counting.produce(17);
  assert.equal(await second.stop(), 0);
  await counting.produceTheEnd();
  await until(
    async () => (await counting.stored()).size >= counting.expected.size,
    60_000,
    () => `not all windows have come\n${third.output().slice(-2_000)}`,
  );
  assert.equal(await third.stop(), 0);

  const stored = await counting.stored();
  const wrong = [...counting.expected].filter(([window, n]) => (stored.get(window) ?? []).some((each) => each !== n));
  assert.deepEqual(wrong, []);
  assert.equal(stored.size, counting.expected.size);
  const twice = [...stored.values()].filter((counts) => counts.length > 1).length;
  t.diagnostic(`${stored.size} windows, ${twice} of them twice`);
});
