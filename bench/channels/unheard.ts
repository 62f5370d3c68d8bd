import { startRig, TO_CHANNELS } from './rig.ts';

const RECORDS = 1_000_000;

/** Nanoseconds of CPU for a record: in a pipeline whose channels nobody is in, and in one that drops it. */
export interface Unheard {
  readonly unheard: number;
  readonly dropped: number;
}

const DROPPING = { ...TO_CHANNELS, pipelines: { out: { source: { bench: {} }, sink: { drop: {} } } } };

/** Two gateways in turn: what a record costs that no client is subscribed to is the difference to a pipeline without clients. */
export async function measureUnheard(rounds: number): Promise<Unheard[]> {
  const rigs = [await startRig(TO_CHANNELS), await startRig(DROPPING)] as const;
  const load = { records: RECORDS, channels: 10_000, prefix: 'c', payload: '{"price":1}', perTurn: 256 };
  const found: Unheard[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const costs: number[] = [];
      for (const { gateway } of rigs) {
        const before = await gateway.ask<number>('cpu');
        await gateway.ask('run', load);
        costs.push((((await gateway.ask<number>('cpu')) - before) * 1_000) / RECORDS);
      }
      const [unheard = Number.NaN, dropped = Number.NaN] = costs;
      if (round > 0) found.push({ unheard, dropped });
    }
    return found;
  } finally {
    await Promise.all(rigs.map((rig) => rig.stop()));
  }
}
