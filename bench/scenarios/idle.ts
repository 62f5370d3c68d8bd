import { Child, modulePath } from '../child.ts';
import { startContender } from '../contenders.ts';
import type { MemoryFigures } from '../memory-probe.ts';
import { pause, type Scenario } from './scenario.ts';

const CONNECTIONS = 2_000;
const KIB = 1_024;

/** What a connection costs that does nothing. */
export const idle: Scenario = {
  name: 'idle',
  title: `Idle memory of a connection, at ${CONNECTIONS} connections`,
  contenders: ['gateway', 'bare'],
  metrics: [
    { name: 'resident', title: 'resident KiB', digits: 1 },
    { name: 'live', title: 'live objects and buffers KiB', digits: 1 },
  ],
  bars: [{ metric: 'resident', atMost: 14 }],
  async run(name, { topics, brokers }) {
    const topic = await topics.create(`idle-${name}`);
    const contender = await startContender(name, { brokers, topic, direction: 'both', probeMemory: true });
    const client = new Child(modulePath('./clients/idle-client'));
    try {
      const memory = () => contender.child.ask<MemoryFigures>('memory');
      const base = await memory();
      await client.ask('open', { port: contender.port, connections: CONNECTIONS });
      await pause(3_000);
      const full = await memory();
      const { open } = await client.ask<{ open: number }>('figures');
      if (open < CONNECTIONS) throw new Error(`${name}: ${open} of ${CONNECTIONS} connections open`);
      return {
        resident: (full.resident - base.resident) / CONNECTIONS / KIB,
        live: (full.live - base.live) / CONNECTIONS / KIB,
      };
    } finally {
      await client.stop('SIGKILL');
      await contender.stop();
      await topics.delete(topic);
    }
  },
};
