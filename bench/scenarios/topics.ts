import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import type { MemoryFigures } from '../memory-probe.ts';
import { connectionsTo, cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import type { Topics } from '../topics.ts';
import {
  type Conditions,
  demandNothingLost,
  type Measured,
  MIB,
  PAYLOAD_BYTES,
  pause,
  type Scenario,
  untilQuiet,
} from './scenario.ts';

const SOCKETS = 200;
const PARTITIONS = 12;
/** Records between the producer and the sockets, all together. */
const LEAD = 24_000;
const RECORDS_A_REQUEST = 500;

interface ClientFigures {
  readonly delivered: number;
  readonly refused: number;
  readonly produced: number;
  readonly open: number;
}

/** Kafka -> the members of a group, as fast as they get it. */
export const topics: Scenario = {
  name: 'topics',
  title: `${SOCKETS} sockets in one group on ${PARTITIONS} partitions, records of ${PAYLOAD_BYTES} B`,
  contenders: ['gateway', 'per-socket'],
  metrics: [
    { name: 'connections', title: 'connections to the broker', digits: 0 },
    { name: 'whole', title: 'resident MiB, subscribed', digits: 0 },
    { name: 'resident', title: 'of which by the sockets', digits: 1 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'deliveries', title: 'deliveries/s', digits: 0 },
    { name: 'cpu', title: 'CPU s / 1M deliveries', digits: 2 },
    { name: 'missing', title: 'not delivered', digits: 0 },
    { name: 'again', title: 'delivered again', digits: 0 },
  ],
  bars: [
    { metric: 'connections', against: 'per-socket', atMost: 0.1 },
    { metric: 'resident', against: 'per-socket', atMost: 0.333 },
    { metric: 'deliveries', against: 'per-socket', atLeast: 1 },
    { metric: 'missing', atMost: 0 },
  ],
  async run(name, conditions) {
    const topic = await conditions.topics.create(`topics-${name}`, PARTITIONS);
    const around = { brokers: conditions.brokers, topic, direction: 'both', protocol: 'topics' } as const;
    const contender = await startContender(name, { ...around, probeMemory: true });
    const client = new Child(modulePath('./clients/topics-client'));
    try {
      return await measure(contender, client, topic, conditions);
    } finally {
      await client.stop('SIGKILL');
      await contender.stop();
      await conditions.topics.delete(topic);
    }
  },
};

async function measure(
  { name, port, child }: Contender,
  client: Child,
  topic: string,
  { brokers, topics, warmUp, window }: Conditions,
): Promise<Measured> {
  const [broker = ''] = brokers.split(',');
  const base = await child.ask<MemoryFigures>('memory');
  await client.ask('subscribe', { port, sockets: SOCKETS, topic });
  await pause(3_000);
  const connections = connectionsTo(child.pid, Number(broker.split(':')[1]));
  const full = await child.ask<MemoryFigures>('memory');
  const feeding = { broker, topic, partitions: PARTITIONS, lead: LEAD, records: RECORDS_A_REQUEST };
  await client.ask('start', { ...feeding, payloadBytes: PAYLOAD_BYTES });
  await pause(warmUp);
  const before = { ...(await client.ask<ClientFigures>('figures')), at: performance.now(), cpu: cpuSeconds(child.pid) };
  await pause(window);
  const after = { ...(await client.ask<ClientFigures>('figures')), at: performance.now(), cpu: cpuSeconds(child.pid) };
  await client.ask('stop');
  const peak = peakResidentBytes(child.pid);
  const end = await settle(client);
  if (end.open < SOCKETS || end.refused > 0)
    throw new Error(`${name}: ${end.open} of ${SOCKETS} sockets open, ${end.refused} subscriptions refused`);
  // What came twice must not stand for what never came: the group's commits tell that all was confirmed.
  const missing = end.produced - Math.min(end.delivered, await confirmed(topics, topic, end.produced));
  demandNothingLost(name, missing, end.produced);
  const deliveries = after.delivered - before.delivered;
  return {
    connections,
    whole: full.resident / MIB,
    resident: (full.resident - base.resident) / MIB,
    peak: peak / MIB,
    deliveries: (deliveries / (after.at - before.at)) * 1_000,
    cpu: ((after.cpu - before.cpu) / deliveries) * 1e6,
    missing,
    again: Math.max(0, end.delivered - end.produced),
  };
}

/** Records that the group has committed, as soon as these are all or nothing moves any more. */
async function confirmed(topics: Topics, topic: string, produced: number): Promise<number> {
  let committed = 0;
  await untilQuiet(async () => {
    committed = await topics.committed(topic, topic);
    return { settled: committed >= produced, progress: committed };
  }, 10_000);
  return committed;
}

async function settle(client: Child): Promise<ClientFigures> {
  await untilQuiet(async () => {
    const { delivered, produced } = await client.ask<ClientFigures>('figures');
    return { settled: delivered >= produced, progress: delivered };
  }, 10_000);
  return client.ask<ClientFigures>('figures');
}
