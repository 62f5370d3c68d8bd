import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import {
  type Conditions,
  demandNothingLost,
  type Measured,
  MIB,
  pause,
  type Scenario,
  untilQuiet,
} from './scenario.ts';

const RATE = 40_000;

interface ClientFigures {
  readonly sent: number;
  readonly answers: number;
  readonly open: number;
}

/** One socket that sends without waiting. */
export const notif: Scenario = {
  name: 'notif',
  title: `One socket that sends ${RATE.toLocaleString('en')} notif a second and waits for nothing`,
  contenders: ['gateway'],
  metrics: [
    { name: 'messages', title: 'msg/s in the topic', digits: 0 },
    { name: 'behind', title: 'seconds behind at the end', digits: 2 },
    { name: 'cpu', title: 'CPU s / 1M msg', digits: 2 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not in the topic', digits: 0 },
  ],
  bars: [
    // The edges of the measurement blur it by some milliseconds.
    { metric: 'messages', atLeast: 0.98 * RATE },
    { metric: 'peak', atMost: 300 },
    { metric: 'missing', atMost: 0 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`notif-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'both', protocol: 'topics' });
    const client = new Child(modulePath('./clients/notif-client'));
    try {
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
  { topics, warmUp, window }: Conditions,
): Promise<Measured> {
  await client.ask('start', { port, topic, rate: RATE });
  await pause(warmUp);
  const before = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const after = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  await client.ask('stop');
  const { sent, answers } = await client.ask<ClientFigures>('figures');
  await untilQuiet(async () => {
    const stored = await topics.stored(topic);
    return { settled: stored >= sent, progress: stored };
  }, 5_000);
  const { open } = await client.ask<ClientFigures>('figures');
  if (open === 0 || answers > 0)
    throw new Error(`the socket is ${open === 0 ? 'closed' : 'open'}, ${answers} failures`);
  const missing = sent - (await topics.stored(topic));
  demandNothingLost(name, missing, sent);
  const messages = after.stored - before.stored;
  return {
    messages: (messages / (after.at - before.at)) * 1_000,
    behind: (sent - after.stored) / RATE,
    cpu: ((after.cpu - before.cpu) / messages) * 1e6,
    peak: peakResidentBytes(pid) / MIB,
    missing,
  };
}
