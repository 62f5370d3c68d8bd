import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import { type Conditions, type Measured, MIB, PAYLOAD_BYTES, pause, type Scenario, untilQuiet } from './scenario.ts';

const SOCKETS = 10;
const RATE = 500;

interface ClientFigures {
  readonly sent: number;
  readonly received: number;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly open: number;
}

/** Socket -> Kafka -> sockets, end to end at an easy pace. */
export const latency: Scenario = {
  name: 'latency',
  title: `Latency socket -> Kafka -> ${SOCKETS} sockets at ${RATE} msg/s of ${PAYLOAD_BYTES} B`,
  contenders: ['gateway', 'careful', 'naive'],
  metrics: [
    { name: 'p50', title: 'p50 ms', digits: 2 },
    { name: 'p95', title: 'p95 ms', digits: 2 },
    { name: 'p99', title: 'p99 ms', digits: 2 },
    { name: 'cpu', title: 'CPU % of a core', digits: 1 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not delivered', digits: 0 },
  ],
  bars: [
    { metric: 'p50', against: 'careful', atMost: 1.2 },
    { metric: 'p99', against: 'careful', atMost: 1.3 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`latency-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'both' });
    const client = new Child(modulePath('./clients/latency-client'));
    try {
      await pause(500);
      return await measure(contender, client, conditions);
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
  { warmUp, window }: Conditions,
): Promise<Measured> {
  await client.ask('start', { port, sockets: SOCKETS, payloadBytes: PAYLOAD_BYTES, rate: RATE });
  await pause(warmUp);
  await client.ask('measure');
  const before = { at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const { p50, p95, p99 } = await client.ask<ClientFigures>('figures');
  const after = { at: performance.now(), cpu: cpuSeconds(pid) };
  await client.ask('stop');
  const end = await settle(client);
  if (end.open < SOCKETS) throw new Error(`${name}: ${end.open} of ${SOCKETS} sockets open`);
  return {
    p50,
    p95,
    p99,
    cpu: ((after.cpu - before.cpu) / (after.at - before.at)) * 1e5,
    peak: peakResidentBytes(pid) / MIB,
    missing: end.sent * SOCKETS - end.received,
  };
}

async function settle(client: Child): Promise<ClientFigures> {
  await untilQuiet(async () => {
    const { sent, received } = await client.ask<ClientFigures>('figures');
    return { settled: received === sent * SOCKETS, progress: received };
  }, 5_000);
  return client.ask<ClientFigures>('figures');
}
