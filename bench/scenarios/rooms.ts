import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import { type Conditions, type Measured, MIB, pause, type Scenario, untilQuiet } from './scenario.ts';

const CLIENTS = 1_000;
const SPEAKERS = 20;

interface Figures {
  readonly sent: number;
  readonly delivered: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly open: number;
}

/** One room: a thousand clients come, then twenty of them say something once a second and all hear it. */
export const rooms: Scenario = {
  name: 'rooms',
  title: `A room of ${CLIENTS} clients, ${SPEAKERS} of them speaking once a second`,
  contenders: ['gateway'],
  metrics: [
    { name: 'join', title: 's until all are in', digits: 2 },
    { name: 'p50', title: 'p50 ms', digits: 1 },
    { name: 'p95', title: 'p95 ms', digits: 1 },
    { name: 'p99', title: 'p99 ms', digits: 1 },
    { name: 'cpu', title: 'CPU % of a core', digits: 1 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not delivered', digits: 0 },
  ],
  bars: [
    { metric: 'join', atMost: 10 },
    { metric: 'p99', atMost: 250 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`rooms-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'both', protocol: 'rooms' });
    const client = new Child(modulePath('./clients/rooms-client'));
    try {
      return await measure(contender, client, conditions);
    } finally {
      await client.stop('SIGKILL');
      await contender.stop();
      await topics.delete(topic);
    }
  },
};

async function measure(
  { port, child: { pid } }: Contender,
  client: Child,
  { warmUp, window }: Conditions,
): Promise<Measured> {
  const join = await client.ask<number>('join', { port, clients: CLIENTS });
  await client.ask('speak', { speakers: SPEAKERS, rate: 1 });
  await pause(warmUp);
  await client.ask('measure');
  const before = { at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const after = { at: performance.now(), cpu: cpuSeconds(pid) };
  await client.ask('hush');
  await untilQuiet(async () => {
    const { sent, delivered } = await client.ask<Figures>('figures');
    return { settled: delivered >= sent * CLIENTS, progress: delivered };
  }, 5_000);
  const { sent, delivered, p50, p95, p99, open } = await client.ask<Figures>('figures');
  if (open < CLIENTS) throw new Error(`${open} of ${CLIENTS} sockets open`);
  return {
    join,
    p50,
    p95,
    p99,
    cpu: ((after.cpu - before.cpu) / (after.at - before.at)) * 1e5,
    peak: peakResidentBytes(pid) / MIB,
    // What was on its way when the measurement began is counted too, so this may be a little below 0.
    missing: Math.max(0, sent * CLIENTS - delivered),
  };
}
