import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import { PARTITIONS } from '../topics.ts';
import { type Conditions, type Measured, MIB, PAYLOAD_BYTES, pause, type Scenario, untilQuiet } from './scenario.ts';

const RECEIVERS = 50;
/** Records between the producer and the slowest receiver: under the gateway's default send queue of 1 MiB a socket. */
const LEAD = 4_000;
const RECORDS_A_REQUEST = 500;

interface ClientFigures {
  readonly deliveries: number;
  readonly strange: number;
  readonly produced: number;
  readonly open: number;
}

/** Kafka -> sockets, as fast as the slowest receiver gets them. */
export const fanout: Scenario = {
  name: 'fanout',
  title: `Kafka -> ${RECEIVERS} sockets, records of ${PAYLOAD_BYTES} B, at most ${LEAD} ahead of the slowest socket`,
  contenders: ['gateway', 'careful', 'naive'],
  metrics: [
    { name: 'deliveries', title: 'deliveries/s', digits: 0 },
    { name: 'records', title: 'records/s', digits: 0 },
    { name: 'cpu', title: 'CPU s / 1M deliveries', digits: 3 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not delivered', digits: 0 },
  ],
  bars: [
    { metric: 'cpu', against: 'careful', atMost: 0.3 },
    { metric: 'deliveries', against: 'careful', atLeast: 2 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`fanout-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'out' });
    const client = new Child(modulePath('./clients/fanout-client'));
    try {
      // A kafkajs group is not live yet when it has joined: it still has to resolve `latest`.
      await pause(500);
      return await measure(contender, client, topic, conditions);
    } finally {
      await client.stop('SIGKILL');
      await contender.stop();
      await topics.delete(topic);
    }
  },
};

async function measure(
  { name, port, child: { pid } }: Contender,
  client: Child,
  topic: string,
  { brokers, warmUp, window }: Conditions,
): Promise<Measured> {
  const [broker] = brokers.split(',');
  const feeding = { broker, topic, partitions: PARTITIONS, lead: LEAD, records: RECORDS_A_REQUEST };
  await client.ask('start', { port, receivers: RECEIVERS, payloadBytes: PAYLOAD_BYTES, ...feeding });
  await pause(warmUp);
  const before = { ...(await client.ask<ClientFigures>('figures')), at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const after = { ...(await client.ask<ClientFigures>('figures')), at: performance.now(), cpu: cpuSeconds(pid) };
  await client.ask('stop');
  const peak = peakResidentBytes(pid);
  const end = await settle(client);
  if (end.open < RECEIVERS || end.strange > 0) {
    throw new Error(`${name}: ${end.open} of ${RECEIVERS} sockets open, ${end.strange} strange frames`);
  }
  const deliveries = after.deliveries - before.deliveries;
  const seconds = (after.at - before.at) / 1_000;
  return {
    deliveries: deliveries / seconds,
    records: deliveries / RECEIVERS / seconds,
    cpu: ((after.cpu - before.cpu) / deliveries) * 1e6,
    peak: peak / MIB,
    missing: end.produced * RECEIVERS - end.deliveries,
  };
}

async function settle(client: Child): Promise<ClientFigures> {
  await untilQuiet(async () => {
    const { deliveries, produced } = await client.ask<ClientFigures>('figures');
    return { settled: deliveries === produced * RECEIVERS, progress: deliveries };
  }, 5_000);
  return client.ask<ClientFigures>('figures');
}
