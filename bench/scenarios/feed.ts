import { Child, modulePath } from '../child.ts';
import { type Contender, startContender } from '../contenders.ts';
import { checkFeed } from '../feed-content.ts';
import { cpuSeconds, peakResidentBytes } from '../process-figures.ts';
import { type Conditions, type Measured, MIB, PAYLOAD_BYTES, pause, type Scenario, untilQuiet } from './scenario.ts';

/** A server out there -> Kafka: one connection that brings as much as is taken; then every record is looked at. */
export const feed: Scenario = {
  name: 'feed',
  title: `A feed -> Kafka, one connection, frames of ${PAYLOAD_BYTES} B, acks=all`,
  contenders: ['gateway', 'careful'],
  metrics: [
    { name: 'messages', title: 'msg/s', digits: 0 },
    { name: 'cpu', title: 'CPU s / 1M msg', digits: 2 },
    { name: 'peak', title: 'peak RSS MiB', digits: 0 },
    { name: 'missing', title: 'not in the topic', digits: 0 },
    { name: 'doubled', title: 'there twice', digits: 0 },
    { name: 'wrong', title: 'changed or out of order', digits: 0 },
  ],
  bars: [
    { metric: 'messages', atLeast: 10_000 },
    { metric: 'messages', against: 'careful', atLeast: 1 },
    { metric: 'missing', atMost: 0 },
    { metric: 'doubled', atMost: 0 },
    { metric: 'wrong', atMost: 0 },
  ],
  async run(name, conditions) {
    const { topics, brokers } = conditions;
    const topic = await topics.create(`feed-${name}`);
    const server = new Child(modulePath('./clients/feed-server'));
    try {
      const url = await server.ask<string>('listen', PAYLOAD_BYTES);
      const contender = await startContender(name, { brokers, topic, direction: 'in', feed: url });
      try {
        return await measure(contender, server, topic, conditions);
      } finally {
        await contender.stop();
      }
    } finally {
      await server.stop('SIGKILL');
      await topics.delete(topic);
    }
  },
};

async function measure(
  { name, child: { pid } }: Contender,
  server: Child,
  topic: string,
  { brokers, topics, warmUp, window }: Conditions,
): Promise<Measured> {
  await server.ask('flow');
  await pause(1_000 + warmUp);
  const before = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  await pause(window);
  const after = { stored: await topics.stored(topic), at: performance.now(), cpu: cpuSeconds(pid) };
  const { sent, connections } = await server.ask<{ sent: number; connections: number }>('stop');
  if (connections !== 1) throw new Error(`${name}: the feed had ${connections} connections`);
  const peak = peakResidentBytes(pid);
  await untilQuiet(async () => {
    const stored = await topics.stored(topic);
    return { settled: stored >= sent, progress: stored };
  }, 5_000);
  const { missing, doubled, wrong } = await checkFeed(brokers, topic, sent, PAYLOAD_BYTES);
  const messages = after.stored - before.stored;
  return {
    messages: (messages / (after.at - before.at)) * 1_000,
    cpu: ((after.cpu - before.cpu) / messages) * 1e6,
    peak: peak / MIB,
    missing,
    doubled,
    wrong,
  };
}
