import { type Cost, costOf, type Rig, startRig, TO_ALL, TO_CHANNELS } from './rig.ts';
import type { Load } from './source.ts';

const PAYLOAD = JSON.stringify({ symbol: 'ACME', price: 123.45, size: 100, at: 1_700_000_000_000 });
const PER_TURN = 100;
/** Records of one client that may be under way. */
const AT_ONCE = 20_000;

/** One way in which channels and listeners lie to each other. */
export interface Shape {
  readonly name: string;
  readonly sockets: number;
  readonly channels: number;
  /** Subscriptions of a socket. */
  readonly each: number;
  readonly deliveries: number;
  readonly perTurn?: number;
}

export const SHAPES: readonly Shape[] = [
  { name: '10,000 channels, 1 listener each', sockets: 100, channels: 10_000, each: 100, deliveries: 400_000 },
  { name: '200 channels, 50 listeners each', sockets: 100, channels: 200, each: 100, deliveries: 1_000_000 },
  { name: '1 channel, 10,000 listeners', sockets: 10_000, channels: 1, each: 1, deliveries: 1_000_000, perTurn: 10 },
];

/** The same sockets and the same frames in each write: only the number of channels differs. */
export const SIZES: readonly Shape[] = [10, 100, 1_000, 10_000, 100_000].map((channels) => ({
  name: channels.toLocaleString('en-US'),
  sockets: 10,
  channels,
  each: channels / 10,
  deliveries: 300_000,
}));

/** Each shape has a gateway of its own, and they take turns. The first round warms up. */
export async function measureShapes(shapes: readonly Shape[], rounds: number): Promise<Map<Shape, Cost[]>> {
  const found = new Map<Shape, Cost[]>(shapes.map((shape) => [shape, []]));
  const rigs: [Shape, Rig][] = [];
  try {
    for (const shape of shapes) rigs.push([shape, await rigOf(shape)]);
    for (let round = 0; round <= rounds; round += 1)
      for (const [shape, rig] of rigs) {
        const cost = await costOf(rig, loadOf(shape), listenersOf(shape), (AT_ONCE * shape.channels) / shape.each);
        if (round > 0) found.get(shape)?.push(cost);
      }
  } finally {
    await Promise.all(rigs.map(([, rig]) => rig.stop()));
  }
  return found;
}

async function rigOf({ sockets, channels, each }: Shape): Promise<Rig> {
  const rig = await startRig(TO_CHANNELS);
  await rig.clients.ask('open', { port: rig.port, count: sockets });
  await rig.clients.ask('subscribe', { prefix: 'c', channels, each });
  return rig;
}

function listenersOf({ sockets, channels, each }: Shape): number {
  return (sockets * each) / channels;
}

function loadOf(shape: Shape): Load {
  const { channels, deliveries, perTurn = PER_TURN } = shape;
  return { records: deliveries / listenersOf(shape), channels, prefix: 'c', payload: PAYLOAD, perTurn };
}

const ALL_SOCKETS = 50;
const ALL_RECORDS = 150_000;

/** A broadcast to all clients of an endpoint without channels, by this version and by an older one, in turn. */
export async function measureBroadcast(before: string | undefined, rounds: number): Promise<Map<string, Cost[]>> {
  const builds = new Map([
    ['this version', undefined],
    ...(before === undefined ? [] : ([['before', before]] as const)),
  ]);
  const found = new Map<string, Cost[]>();
  const rigs: [string, Rig][] = [];
  try {
    for (const [name, build] of builds) {
      const rig = await startRig(TO_ALL, build);
      await rig.clients.ask('open', { port: rig.port, count: ALL_SOCKETS });
      rigs.push([name, rig]);
      found.set(name, []);
    }
    const load = { records: ALL_RECORDS, channels: 100, prefix: 'c', payload: PAYLOAD, perTurn: PER_TURN };
    for (let round = 0; round <= rounds; round += 1)
      for (const [name, rig] of round % 2 === 0 ? rigs : rigs.toReversed()) {
        const cost = await costOf(rig, load, ALL_SOCKETS, AT_ONCE);
        if (round > 0) found.get(name)?.push(cost);
      }
  } finally {
    await Promise.all(rigs.map(([, rig]) => rig.stop()));
  }
  return found;
}
