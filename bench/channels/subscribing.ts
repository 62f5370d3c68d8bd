import { startRig, TO_CHANNELS } from './rig.ts';

const CHANNELS = 50_000;

export interface Subscribing {
  readonly perSecond: number;
  /** Microseconds of the gateway's CPU for one subscription. */
  readonly cpu: number;
  /** Bytes of the gateway's heap for one subscription, the name of its channel included. */
  readonly bytes: number;
}

/** Channels of one listener each, asked for as fast as the sockets take it. */
export async function measureSubscribing(sockets: number): Promise<Subscribing> {
  const rig = await startRig(TO_CHANNELS);
  const { gateway, clients, port } = rig;
  try {
    await clients.ask('open', { port, count: sockets });
    // Compiles what it takes, and is gone by the time that memory is looked at.
    await clients.ask('subscribe', { prefix: 'c.warm', channels: 5_000, each: 5_000 / sockets });
    const heap = await gateway.ask<number>('heap');
    const cpu = await gateway.ask<number>('cpu');
    const took = await clients.ask<number>('subscribe', {
      prefix: 'c.one',
      channels: CHANNELS,
      each: CHANNELS / sockets,
    });
    const used = (await gateway.ask<number>('cpu')) - cpu;
    const bytes = ((await gateway.ask<number>('heap')) - heap) / CHANNELS;
    return { perSecond: (CHANNELS * 1_000) / took, cpu: used / CHANNELS, bytes };
  } finally {
    await rig.stop();
  }
}
