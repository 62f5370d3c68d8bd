import { type ConfigObject, createGateway, type Gateway } from '../../src/index.ts';
import { type BenchLog, PARTITIONS } from './bench-logs.ts';

/** Milliseconds between two looks at how far a gateway is. */
const LOOK = 5;

export async function startedGateway(config: object): Promise<Gateway> {
  const gateway = await createGateway({ config: config as ConfigObject });
  await gateway.start();
  await gateway.ready();
  return gateway;
}

export async function publish(
  gateway: Gateway,
  records: number,
  recordOf: (id: number) => { readonly key: string; readonly value: string },
): Promise<void> {
  const topic = gateway.topic('in');
  let pending: Promise<unknown>[] = [];
  for (let id = 0; id < records; id += 1) {
    pending.push(topic.publish(recordOf(id)));
    if (pending.length < 10_000) continue;
    await Promise.all(pending);
    pending = [];
  }
  await Promise.all(pending);
}

/** Records a second, from the assignment of the partitions until all is stored, or part of a window. */
export async function measure(bench: BenchLog, pipeline: object, records: number): Promise<number> {
  const { log, group, end } = bench.begin();
  const source = { topic: { names: ['in'], group, from: 'earliest' } };
  const gateway = await createGateway({
    config: { log, pipelines: { bench: { source, ...pipeline, sink: { topic: { name: 'out' } } } } } as ConfigObject,
  });
  try {
    await gateway.start();
    const progress = new Progress(gateway);
    while (!progress.isAssigned) await look();
    const begun = performance.now();
    while (!progress.isDone) await look();
    return (records * 1_000) / (performance.now() - begun);
  } finally {
    await gateway.stop();
    end();
  }
}

/** How far the pipeline of a gateway is. */
class Progress {
  private readonly gateway: Gateway;
  /** Partitions of which records are known: before the first fetch nothing is known to be behind. */
  private readonly seen = new Set<number>();

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  get isAssigned(): boolean {
    return this.gateway.inspect().groups[0]?.partitions.length === PARTITIONS;
  }

  get isDone(): boolean {
    const { groups, pipelines } = this.gateway.inspect();
    let behind = 0;
    for (const { partition, lag } of groups[0]?.partitions ?? []) {
      if (lag > 0) this.seen.add(partition);
      behind += lag;
    }
    return behind === 0 && this.seen.size === PARTITIONS && pipelines.every(({ inFlight }) => inFlight === 0);
  }
}

export function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK));
}
