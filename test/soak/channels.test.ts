// Slow: it restarts gateways for a minute.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { ChannelCrowd } from '../helpers/channel-crowd.ts';
import { freePort, type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const DURATION = Number(process.env.SOAK_SECONDS ?? 60) * 1_000;
const CLIENTS = Number(process.env.SOAK_CLIENTS ?? 2_000);
/** Of each client. With 2,000 clients each channel has two of them. */
const EACH = 5;
const CHANNELS = 5_000;
const BATCH = 100;
/** Milliseconds between two batches. */
const PAUSE = 100;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Numbers the records of each channel, from 1 on, in the order in which its partition has them. */
class Prices {
  /** By channel. */
  readonly numbers = new Map<string, number>();
  private readonly send: (keys: readonly string[]) => Promise<void>;
  private isAtEnd = false;
  private at = 0;

  static async connect(t: TestContext, brokers: string, topic: string): Promise<Prices> {
    const kafka = new Kafka({ brokers: [brokers], clientId: 'prices', logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    t.after(() => producer.disconnect());
    return new Prices(async (messages) => {
      await producer.send({ topic, messages });
    });
  }

  private constructor(send: (messages: { key: string; value: string }[]) => Promise<void>) {
    this.send = (keys) => send(keys.map((key) => ({ key, value: JSON.stringify({ n: this.next(key) }) })));
  }

  /** One of each channel. */
  async round(): Promise<void> {
    for (let from = 0; from < CHANNELS; from += 1_000)
      await this.send(Array.from({ length: 1_000 }, (_, at) => keyOf(from + at)));
  }

  async run(): Promise<void> {
    while (!this.isAtEnd) {
      // A stride that meets all channels, some of them often.
      const keys = Array.from({ length: BATCH }, (_, n) => keyOf(n % 10 === 0 ? n : (this.at + n * 37) % CHANNELS));
      this.at += BATCH * 37;
      await this.send(keys);
      await sleep(PAUSE);
    }
  }

  halt(): void {
    this.isAtEnd = true;
  }

  private next(key: string): number {
    const n = (this.numbers.get(`symbol.${key}`) ?? 0) + 1;
    this.numbers.set(`symbol.${key}`, n);
    return n;
  }
}

function keyOf(at: number): string {
  return `S${at}`;
}

test(`${CLIENTS} clients miss nothing unheard while two gateways are replaced for ${DURATION / 1_000} s`, {
  timeout: DURATION + 300_000,
}, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('prices');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic };
  const ports = [await freePort(), await freePort()];
  const gateways: GatewayProcess[] = [];
  const start = async (at: number) => {
    const gateway = await startGateway(t, { config: 'test/fixtures/channels.yaml', env, port: ports[at] as number });
    await gateway.ready();
    gateways[at] = gateway;
  };
  await start(0);
  await start(1);
  const prices = await Prices.connect(t, kafka.brokers, topic);
  const channels = Array.from({ length: CHANNELS }, (_, at) => `symbol.${keyOf(at)}`);
  const crowd = new ChannelCrowd(
    ports.map((port) => `ws://127.0.0.1:${port}/prices`),
    channels,
    EACH,
  );
  t.after(() => crowd.leave());
  await crowd.grow(CLIENTS);
  await prices.round();
  await crowd.have(prices.numbers);

  const writing = prices.run();
  const end = Date.now() + DURATION;
  let stops = 0;
  while (Date.now() < end) {
    const gateway = gateways[stops % 2] as GatewayProcess;
    await gateway.stop(stops % 4 < 2 ? 'SIGTERM' : 'SIGKILL');
    await sleep(1_000 * Math.random());
    await start(stops % 2);
    await sleep(2_000);
    // Clients that go from one gateway to the other, whose history begins with its start.
    crowd.cut(0.2);
    await sleep(3_000);
    // As one who replaces gateways does: the next one when the clients of this one are back.
    await crowd.areIn();
    stops += 1;
  }
  prices.halt();
  await writing;
  await crowd.areIn();
  await prices.round();
  await crowd.have(prices.numbers);
  const { missed, doubled, unexpected, examples, recovered, lost, gaps, received } = crowd.findings;
  const share = recovered / (recovered + lost);
  t.diagnostic(
    `${stops} gateways replaced, ${received} records received, ${recovered} subscriptions recovered and ${lost} not`,
  );
  assert.deepEqual(
    { missed, doubled, gaps, unexpected, examples },
    {
      missed: 0,
      doubled: 0,
      gaps: 0,
      unexpected: [],
      examples: [],
    },
  );
  assert.ok(share > 0.95, `${(share * 100).toFixed(2)} % recovered`);
});
