import { Child, modulePath } from '../child.ts';
import { type Contender, type ContenderName, startContender } from '../contenders.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import type { Topics } from '../topics.ts';
import { type Conditions, type Measured, MIB, PAYLOAD_BYTES, pause, type Scenario, untilQuiet } from './scenario.ts';

const SENDERS = 8;
/**
 * Frames that a sender has unsettled. The naive way gets fewer, which makes it quicker: with thousands of sends
 * outstanding kafkajs spends its time on its own queue.
 */
const windowOf = (name: ContenderName) => (name === 'naive' ? 125 : 1_000);
/** How often the topic is asked what it holds, in every contender's run; milliseconds. */
const LOOK_MS = 20;

interface ClientFigures {
  readonly sent: number;
  readonly acked: number;
  readonly errors: number;
  readonly open: number;
}

/** WebSocket -> Kafka: every frame acked by the gateway; the baselines are paced by what reaches the topic. */
export const ingest: Scenario = {
  name: 'ingest',
  title: `WebSocket -> Kafka, ${SENDERS} senders, frames of ${PAYLOAD_BYTES} B`,
  contenders: ['gateway', 'careful', 'naive'],
  metrics: [
    { name: 'messages', title: 'msg/s', digits: 0 },
    { name: 'cpu', title: 'CPU s / 1M msg', digits: 2 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not in the topic', digits: 0 },
    { name: 'unacked', title: 'not acked', digits: 0 },
  ],
  bars: [
    { metric: 'messages', against: 'naive', atLeast: 4 },
    { metric: 'messages', against: 'careful', atLeast: 1 },
    { metric: 'cpu', against: 'careful', atMost: 1.2 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`ingest-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'in' });
    const client = new Child(modulePath('./clients/ingest-client'));
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
  const pace = name === 'gateway' ? 'acks' : 'offsets';
  const load = { senders: SENDERS, window: windowOf(name), payloadBytes: PAYLOAD_BYTES };
  await client.ask('start', { port, pace, ...load });
  const follower = new Follower(topics, topic, client, pace === 'offsets');
  await pause(1_000);
  await client.ask('widen', windowOf(name));
  await pause(warmUp);
  const before = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const after = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  await client.ask('stop');
  const peak = peakResidentBytes(pid);
  const { sent, acked, errors, open } = await settle(client, topics, topic, pace === 'acks');
  await follower.end();
  if (errors > 0 || open < SENDERS) throw new Error(`${name}: ${errors} errors, ${open} of ${SENDERS} sockets open`);
  const messages = after.stored - before.stored;
  return {
    messages: (messages / (after.at - before.at)) * 1_000,
    cpu: ((after.cpu - before.cpu) / messages) * 1e6,
    peak: peak / MIB,
    missing: sent - (await topics.stored(topic)),
    unacked: pace === 'acks' ? sent - acked : Number.NaN,
  };
}

/** Waits for what is still under way. */
async function settle(client: Child, topics: Topics, topic: string, isAcked: boolean): Promise<ClientFigures> {
  await untilQuiet(async () => {
    const { sent, acked } = await client.ask<ClientFigures>('figures');
    const progress = isAcked ? acked : await topics.stored(topic);
    return { settled: progress === sent, progress };
  }, 5_000);
  return client.ask<ClientFigures>('figures');
}

/** Asks what the topic holds all the while, and tells the client where that is what paces it. */
class Follower {
  private isOn = true;
  private readonly loop: Promise<void>;

  constructor(topics: Topics, topic: string, client: Child, tells: boolean) {
    this.loop = this.follow(topics, topic, client, tells);
  }

  end(): Promise<void> {
    this.isOn = false;
    return this.loop;
  }

  private async follow(topics: Topics, topic: string, client: Child, tells: boolean): Promise<void> {
    while (this.isOn) {
      const stored = await topics.stored(topic);
      if (tells) client.tell('stored', stored);
      await pause(LOOK_MS);
    }
  }
}
