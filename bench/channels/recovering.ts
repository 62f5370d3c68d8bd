import { type Rig, startRig, TO_CHANNELS } from './rig.ts';

const CHANNELS = 20;
/** Records of each channel that a client has missed. */
const RECORDS = 100;

const [{ listeners, log, admin, shutdown }, { prices }] = [TO_CHANNELS, TO_CHANNELS.endpoints];

/** Clients that come back: what they have missed is kept by the gateway (ring), or has to be read again (log). */
const KINDS = {
  ring: { sockets: 1_000, history: { last: RECORDS } },
  log: { sockets: 200, history: { last: 1 } },
} as const;

export type Kind = keyof typeof KINDS;

export interface Recovering {
  readonly perSecond: number;
  /** Microseconds of the gateway's CPU for one client that recovers all. */
  readonly cpu: number;
}

export async function measureRecovering(kind: Kind, rounds: number): Promise<Recovering[]> {
  const { sockets, history } = KINDS[kind];
  const channels = { ...prices.channels, history, recover: {} };
  const rig = await startRig({
    ...{ listeners, admin, shutdown, log: { ...log, topics: { prices: { partitions: 1 } } } },
    endpoints: { prices: { ...prices, channels } },
    pipelines: {
      out: {
        source: { topic: { names: ['prices'] } },
        sink: { endpoint: { name: 'prices', channel: 'c.${! key }' } },
      },
    },
  });
  try {
    const found: Recovering[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const recovering = await recoverOnce(rig, sockets, round);
      if (round > 0) found.push(recovering);
    }
    return found;
  } finally {
    await rig.stop();
  }
}

async function recoverOnce({ gateway, clients, port }: Rig, sockets: number, round: number): Promise<Recovering> {
  const places: [string, string][] = [];
  await clients.ask('open', { port, count: 1 });
  for (let at = 0; at < CHANNELS; at += 1) {
    const channel = `c.${round}-${at}`;
    places.push([channel, await clients.ask<string>('place', channel)]);
  }
  await clients.ask('begin');
  for (let at = 0; at < CHANNELS; at += 1)
    await gateway.ask('publish', { topic: 'prices', key: `${round}-${at}`, records: RECORDS });
  await clients.ask('until', CHANNELS * RECORDS);
  await clients.ask('close');

  await clients.ask('open', { port, count: sockets });
  const cpu = await gateway.ask<number>('cpu');
  const took = await clients.ask<number>('recover', { places, records: RECORDS });
  const used = (await gateway.ask<number>('cpu')) - cpu;
  await clients.ask('close');
  return { perSecond: (sockets * 1_000) / took, cpu: used / sockets };
}
