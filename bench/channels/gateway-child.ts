/* The gateway under test, in a process of its own. It is copied beside the build of an older version to measure that one, too. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ConfigObject, createGateway, type Gateway } from '../../src/index.ts';
import { serve } from '../child.ts';
import { benchSource, type Load } from './source.ts';

const PLUGIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'source.ts' : 'source.js', import.meta.url));

let gateway: Gateway;

serve({
  start: async (config: object) => {
    gateway = await createGateway({ config: { ...config, plugins: [PLUGIN] } as ConfigObject, logger: 'silent' });
    await gateway.start();
    await gateway.ready();
    return gateway.ports().listeners.public;
  },
  run: (load: Load) => benchSource().run(load),
  /** Records of one channel, by the log. */
  publish: async ({ topic, key, records }: { topic: string; key: string; records: number }) => {
    const values = Array.from({ length: records }, (_, at) => ({ key, value: JSON.stringify({ at }) }));
    await Promise.all(values.map((record) => gateway.topic(topic).publish(record)));
  },
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  heap: async () => {
    for (let round = 0; round < 4; round += 1) {
      (globalThis as { gc?: () => void }).gc?.();
      await sleep(50);
    }
    return process.memoryUsage().heapUsed;
  },
});
process.send?.({ ready: true });
