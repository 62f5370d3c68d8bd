import type { Gateway } from '../../src/index.ts';
import { embeddedLog } from './bench-logs.ts';
import { look, publish, startedGateway } from './gateways.ts';

/**
 * Bytes of memory that a windowed count keeps for each of so many keys, all in one open window: heap and external memory after
 * garbage collections, above that of the same gateway with 20,000 keys. Needs `--expose-gc`; undefined without it.
 */
export async function bytesPerKey(keys: number): Promise<number | undefined> {
  if (globalThis.gc === undefined) return undefined;
  const bench = embeddedLog();
  const { log, group, end } = bench.begin();
  const source = { topic: { names: ['in'], group, from: 'earliest' } };
  const processors = [{ window: { tumbling: '1h', time: '${! json.at }', aggregate: { n: 'count' } } }];
  const gateway = await startedGateway({
    log,
    pipelines: { count: { source, processors, sink: { topic: { name: 'out' } } } },
  });
  try {
    await publish(gateway, WARM_UP, recordOf);
    await allRead(gateway);
    const before = await used();
    await publish(gateway, keys + WARM_UP, recordOf);
    await allRead(gateway);
    return ((await used()) - before) / keys;
  } finally {
    await gateway.stop();
    end();
    await bench.close();
  }
}

/** Keys that are there before memory is measured: code is compiled and buffers have their size by then. */
const WARM_UP = 20_000;

function recordOf(id: number): { readonly key: string; readonly value: string } {
  return { key: `user-${id}`, value: '{"at":1700000000000}' };
}

/** Resolves once nothing was behind for a second: what a partition lacks is known with the next fetch only. */
async function allRead(gateway: Gateway): Promise<void> {
  let behindAt = performance.now();
  while (performance.now() - behindAt < 1_000) {
    await look();
    const { groups, pipelines } = gateway.inspect();
    const isBehind = groups.some(({ partitions }) => partitions.some(({ lag }) => lag > 0));
    if (isBehind || pipelines.some(({ inFlight }) => inFlight > 0)) behindAt = performance.now();
  }
}

/** Once nothing changes any more: some objects are let go of only when others are gone. */
async function used(): Promise<number> {
  for (let times = 0; times < 5; times += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
