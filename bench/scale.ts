/*
 * What scaling out costs: `npm run bench:scale`. How long records of a partition wait while gateways of a consumer group
 * come, stop and are killed, and how many connections a gateway has to the brokers. Prints tables for docs/scaling.md.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { type Cleanup, type GatewayProcess, startGateway } from '../test/helpers/gateway-process.ts';
import { TopicsClient } from '../test/helpers/topics-client.ts';
import { startKafka } from '../test/services/kafka.ts';
import { connectionsTo } from './process-figures.ts';
import { machine } from './report.ts';
import { configFile, PARTS, type Part } from './scale-config.ts';
import { Watch } from './scale-watch.ts';

const PARTITIONS = 12;
const ROUNDS = 3;
/** Milliseconds: for records to flow evenly, and longer than the session of a gateway that was killed. */
const SETTLE = 6_000;
const SESSION = 18_000;

class Ends implements Cleanup {
  private readonly ends: (() => unknown)[] = [];

  after(end: () => unknown): void {
    this.ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.ends.splice(0).reverse()) await end();
  }
}

async function main(): Promise<void> {
  const ends = new Ends();
  try {
    const kafka = await startKafka();
    ends.after(() => kafka.stop());
    console.log(
      `${new Date().toISOString().slice(0, 10)}, ${machine()}, one broker, load ${loadavg()[0]?.toFixed(1)}\n`,
    );
    await connections(ends, kafka.brokers, kafka.port);
    await rebalances(ends, kafka.brokers);
    console.log(`\nload at the end ${loadavg()[0]?.toFixed(1)}`);
  } finally {
    await ends.run();
  }
}

async function connections(ends: Ends, brokers: string, port: number): Promise<void> {
  console.log('| the gateway has | connections to the broker |\n|---|---|');
  for (const [at, parts] of PARTS.entries()) {
    const config = configFile(ends, parts);
    const gateway = await startGateway(ends, {
      args: ['run', config],
      env: { KAFKA_BROKERS: brokers, TOPIC: `c${at}` },
    });
    await gateway.ready();
    await useParts(ends, gateway, parts, `c${at}`);
    await sleep(3_000);
    console.log(`| ${parts.join(', ')} | ${connectionsTo(gateway.process.pid ?? 0, port)} |`);
    await gateway.stop('SIGKILL');
  }
}

/** Connections are made when they are needed: what a client causes is caused here. */
async function useParts(ends: Ends, gateway: GatewayProcess, parts: readonly Part[], topic: string): Promise<void> {
  if (!parts.includes('topics')) return;
  for (let n = 0; n < 20; n++) {
    const client = await TopicsClient.open(gateway.port, '/topics');
    ends.after(() => client.client.ws.terminate());
    const reply = await client.topic('subscribe', { t: topic, consumer_group: `${topic}-${n % 4}` });
    if (reply.s !== 0) throw new Error(`not subscribed: ${JSON.stringify(reply)}`);
  }
}

async function rebalances(ends: Ends, brokers: string): Promise<void> {
  const watch = new Watch();
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  ends.after(() => admin.disconnect());
  await admin.createTopics({ topics: [{ topic: 'scale', numPartitions: PARTITIONS }] });
  const config = configFile(ends, ['topics']);
  const start = async () => {
    const gateway = await startGateway(ends, {
      args: ['run', config],
      env: { KAFKA_BROKERS: brokers, TOPIC: 'scale' },
    });
    await gateway.ready();
    ends.after(await watch.listen(gateway.port, 'scale'));
    return gateway;
  };
  ends.after(await watch.produce(brokers, 'scale', PARTITIONS));
  const gateways = [await start(), await start()];
  await sleep(SETTLE);
  console.log(
    '\n| what happens | partitions that move | their records wait | the others | twice | missing |\n|---|---|---|---|---|---|',
  );
  for (let round = 0; round < ROUNDS; round++) {
    const event = async (what: string, act: () => Promise<unknown>, length: number) => {
      const mark = watch.mark();
      await act();
      await sleep(length);
      console.log(watch.row(what, mark));
    };
    await event('a third gateway comes', async () => gateways.push(await start()), SETTLE);
    await event('one stops (SIGTERM)', async () => gateways.pop()?.stop(), SETTLE);
    gateways.push(await start());
    await sleep(SETTLE);
    await event('one is killed (SIGKILL)', async () => gateways.pop()?.stop('SIGKILL'), SESSION);
  }
}

await main();
process.exit(0);
