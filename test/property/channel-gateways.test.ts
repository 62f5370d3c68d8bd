// Slow: each case starts gateways.
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryLog, SimulatedConfig, Simulation, TestClock } from '../../src/testing/index.ts';
import { ChannelReader } from './channel-reader.ts';
import { ChannelTopic } from './channel-topic.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e'];
const READERS = 3;
const RUNS = Number(process.env.RUNS ?? 60);

const config = ({ cleanup, recovers, last, bytes }: Settings) => `
log: { topics: { prices: { partitions: 2, config: { cleanup.policy: "${cleanup}", retention.bytes: 1500 } } } }
listeners: { public: { port: 9090 } }
endpoints:
  prices:
    listener: public
    path: /prices
    codec: json
    direction: out
    channels: { history: { last: ${last}, bytes: ${bytes}KiB }${recovers ? ', recover: {}' : ''} }
    allow: { subscribe: "symbol.*" }
    slow_consumer: { when_full: drop_oldest, queue: 1KiB }
pipelines:
  prices-out:
    source: { topic: { names: [ prices ] } }
    sink: { endpoint: { name: prices, channel: "symbol.\${! key }" } }
`;

interface Settings {
  readonly cleanup: 'delete' | 'compact,delete';
  readonly recovers: boolean;
  readonly last: number;
  /** In KiB. */
  readonly bytes: number;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  cleanup: fc.constantFrom('delete' as const, 'delete' as const, 'compact,delete' as const),
  recovers: fc.constantFrom(true, true, true, false),
  last: fc.constantFrom(1, 3, 100),
  bytes: fc.constantFrom(2, 5, 1_000),
});

const STEPS = {
  write: 12,
  flood: 2,
  subscribe: 12,
  hear: 4,
  cut: 2,
  comeBack: 8,
  unsubscribe: 2,
  maintain: 3,
  crash: 2,
  roll: 1,
  stall: 2,
  unstall: 2,
  down: 1,
  up: 3,
  wait: 1,
} as const;

interface Step {
  readonly type: keyof typeof STEPS;
  readonly reader: number;
  readonly gateway: number;
  readonly keys: readonly string[];
  /** How far back a position is that is shown, none where it is as far as there are any; and how many frames are read. */
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.oneof(
    ...Object.entries(STEPS).map(([type, weight]) => ({ weight, arbitrary: fc.constant(type as Step['type']) })),
  ),
  reader: fc.nat(READERS - 1),
  gateway: fc.nat(1),
  keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 12 }),
  count: fc.nat(8),
});

/** Two gateways on one log, and clients that come to either. */
class Scene {
  readonly topic: ChannelTopic;
  readonly readers: readonly ChannelReader[];
  private readonly log: MemoryLog;
  private readonly gateways: Simulation[];
  private readonly restart: () => Promise<Simulation>;

  static async open(limits: Settings): Promise<Scene> {
    const clock = new TestClock();
    const log = new MemoryLog({ clock });
    const loaded = await SimulatedConfig.load(config(limits));
    const start = () => Simulation.start(loaded, { clock, log });
    return new Scene(log, [await start(), await start()], start, limits);
  }

  private constructor(log: MemoryLog, gateways: Simulation[], restart: () => Promise<Simulation>, limits: Settings) {
    this.log = log;
    this.gateways = gateways;
    this.restart = restart;
    this.topic = new ChannelTopic(log, { name: 'prices', isCompacted: limits.cleanup !== 'delete' });
    this.readers = Array.from({ length: READERS }, () => new ChannelReader(this.topic, limits.recovers));
  }

  async take({ type, reader: number, gateway, keys, count }: Step): Promise<void> {
    const { log } = this;
    const reader = this.readers[number] as ChannelReader;
    if (type === 'write') await this.write(keys);
    else if (type === 'flood') await this.flood(keys);
    else if (type === 'subscribe') await this.subscribe(reader, gateway, keys, count);
    else if (type === 'unsubscribe') for (const key of keys) reader.unsubscribe(`symbol.${key}`);
    else if (type === 'hear') reader.hear(count);
    else if (type === 'cut') this.cut(reader, count);
    else if (type === 'comeBack') await this.comeBack(reader, gateway, count);
    else if (type === 'stall') reader.stall(true);
    else if (type === 'unstall') reader.stall(false);
    else if (type === 'maintain') await this.maintain();
    else if (type === 'crash' || type === 'roll') await this.replace(gateway, type, count);
    else if (type === 'down') {
      log.faults.linkDown();
      for (const one of this.readers) one.excuse();
    } else if (type === 'up') await this.up();
    await this.settle(type === 'wait' ? 3_100 : 30);
  }

  /** All have all, or know what they have not. */
  async end(): Promise<void> {
    for (const reader of this.readers) reader.stall(false);
    await this.up();
    await this.settle(4_000);
    for (const reader of this.readers) {
      reader.hear();
      reader.isComplete();
    }
    for (const gateway of this.gateways) await gateway.stop();
  }

  private async subscribe(reader: ChannelReader, at: number, keys: readonly string[], back: number): Promise<void> {
    // Without the log no client is let in.
    if (reader.socket === undefined && !this.log.faults.isUp) return;
    if (reader.socket === undefined) reader.connected(await this.gateway(at).connect('prices'), at);
    for (const key of new Set(keys)) {
      const channel = `symbol.${key}`;
      const known = reader.positions.get(channel) ?? [];
      reader.subscribe(channel, known[known.length - 1 - (back % (known.length + 1))]);
    }
    if (!this.log.faults.isUp) reader.excuse();
  }

  /** It loses its connection, and goes on in all its channels. */
  private async comeBack(reader: ChannelReader, gateway: number, count: number): Promise<void> {
    const channels = [...reader.places.keys()];
    this.cut(reader, count);
    await this.topic.look();
    if (!this.log.faults.isUp) return;
    reader.connected(await this.gateway(gateway).connect('prices'), gateway);
    for (const channel of channels) reader.subscribe(channel, reader.positions.get(channel)?.at(-1));
  }

  private cut(reader: ChannelReader, count: number): void {
    reader.hear(count);
    reader.socket?.cut();
    reader.lost();
  }

  private async write(keys: readonly string[]): Promise<void> {
    if (this.log.faults.isUp) await this.topic.write(keys);
  }

  private async maintain(): Promise<void> {
    if (!this.log.faults.isUp) return;
    await this.topic.maintain();
    for (const reader of this.readers) reader.excuse();
  }

  private async flood(keys: readonly string[]): Promise<void> {
    if (!this.log.faults.isUp) return;
    const written = await this.topic.flood(keys);
    for (const reader of this.readers) reader.overtaken(written);
  }

  private async up(): Promise<void> {
    this.log.faults.linkUp();
    await this.topic.look();
  }

  /** A gateway dies, or is stopped, and another one starts in its place; meanwhile records come. */
  private async replace(at: number, how: 'crash' | 'roll', count: number): Promise<void> {
    if (!this.log.faults.isUp) return;
    for (const reader of this.readers) {
      if (reader.gateway !== at) continue;
      reader.hear(count);
      reader.lost();
    }
    if (how === 'crash') await this.gateway(at).crash();
    else {
      await this.gateway(at).stop();
      await this.topic.write(KEYS);
      this.gateways[at] = await this.restart();
    }
  }

  private gateway(at: number): Simulation {
    return this.gateways[at] as Simulation;
  }

  private async settle(milliseconds: number): Promise<void> {
    const [one, other] = this.gateways as [Simulation, Simulation];
    await one.advance(milliseconds);
    await other.quiet();
    await one.quiet();
  }
}

test('at two gateways clients get each record of their channels once and in order, or hear what is missing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), settings, async (steps, limits) => {
      const scene = await Scene.open(limits);
      for (const one of steps) await scene.take(one);
      await scene.end();
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
