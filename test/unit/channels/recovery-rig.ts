import type { TestContext } from 'node:test';
import { NEVER } from 'rxjs';
import { Recoveries, type RecoverySettings } from '../../../src/channels/recovery/recoveries.ts';
import { recoveryMetrics } from '../../../src/channels/recovery/recovery-metrics.ts';
import type { EarlierPart, Recovery } from '../../../src/core/channel-feed.ts';
import { ClientMemory } from '../../../src/core/client-memory.ts';
import type { Log, Reader, ReaderOptions } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { Rerun } from '../../../src/pipelines/rerun.ts';
import { endpointSink } from '../../../src/pipelines/sinks/endpoint.ts';
import { compileStages, type StepConfig } from '../../../src/pipelines/stages.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { MemoryLog } from '../../../src/testing/simulation/memory-log.ts';
import { TestClock } from '../../../src/testing/simulation/test-clock.ts';
import { turn } from '../actors/rig.ts';
import { fakeContext } from '../pipelines/parts.ts';

export const TOPIC = 't';
export const EPOCH = 'e';

export interface RecoveryRigOptions {
  readonly partitions?: number;
  readonly channel?: unknown;
  readonly processors?: readonly StepConfig[];
  readonly settings?: Partial<RecoverySettings>;
  readonly config?: Readonly<Record<string, string>>;
  /** Records of each channel that are kept of what is read. */
  readonly last?: number;
  readonly inFlight?: { readonly messages: number; readonly bytes: number };
}

const DEFAULTS: RecoverySettings = { records: 1_000, age: 86_400_000, concurrency: 2, timeout: 3_000 };

/** A topic in memory, and what reads its records again for channels. */
export async function recoveryRig(t: TestContext, options: RecoveryRigOptions = {}) {
  const { partitions = 1, channel = '${! key }', processors = [], settings, config = {} } = options;
  const { inFlight = { messages: 10_000, bytes: 1 << 26 } } = options;
  const clock = new TestClock();
  const memory = new MemoryLog({ clock });
  await memory.open();
  await memory.admin.create({ name: TOPIC, partitions, config });
  const readers: ReaderOptions[] = [];
  const open = new Set<Reader>();
  const log: Log = Object.assign(Object.create(memory) as Log, {
    reader: (wanted: ReaderOptions) => {
      readers.push(wanted);
      const reader = memory.reader(wanted);
      open.add(reader);
      const close = reader.close.bind(reader);
      reader.close = () => {
        open.delete(reader);
        return close();
      };
      return reader;
    },
  });
  const counts = { made: 0, closed: 0 };
  const held = new ClientMemory(100_000_000);
  const parts: EarlierPart[] = [];
  const stats = createStats();
  const metrics = recoveryMetrics(stats, 'prices');
  const recoveries = new Recoveries({
    log,
    topic: TOPIC,
    settings: { ...DEFAULTS, ...settings },
    clock,
    metrics,
    memory: held,
    last: () => options.last,
    extend: (part) => parts.push(part),
    makeRerun: (publish) => {
      counts.made += 1;
      const { context } = fakeContext();
      const port = { received$: NEVER, pause: () => {}, resume: () => {}, deliver: () => {}, publish };
      const own = { ...context, clock, gateway: { ...context.gateway, endpoint: () => port } };
      return new Rerun({
        stages: compileStages(processors, { contextOf: () => own, isInOrder: true }),
        sink: endpointSink.create(endpointSink.config.parse({ name: 'prices', channel }), own),
        batch: { count: 500, bytes: 524_288, period: 5 },
        inFlight,
        retries: 0,
        backoff: { initial: 100, max: 1_000 },
        clock,
        closed: () => {
          counts.closed += 1;
        },
      });
    },
  });
  t.after(async () => {
    await recoveries.close();
    await memory.close();
  });
  const topicId = async () => {
    const reader = memory.reader({ topics: [TOPIC], from: 'earliest' });
    await reader.live;
    const id = reader.checkpoint().get(TOPIC)?.id;
    await reader.close();
    return id;
  };
  const id = await topicId();
  const ask = (
    wanted: string,
    since: number,
    until: number,
    more: { readonly partition?: number; readonly bytes?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Recovery> => {
    const { partition = 0, bytes = 1 << 20, signal = new AbortController().signal } = more;
    const position = { epoch: EPOCH, partition, offset: since };
    return recoveries.read({ channel: wanted, since: position, until, bytes, signal }, id);
  };
  return { clock, memory, held, recoveries, readers, open, counts, metrics, parts, ask };
}

/** Records with the offset in their text, each with the key that is beside it. */
export function keyed(keys: readonly string[], from = 0, timestamp?: number): Message[] {
  const time = timestamp === undefined ? {} : { timestamp };
  return keys.map((key, at) => new Message(Buffer.from(`${key}${from + at}`), { key, ...time }));
}

/** The texts of what was recovered, or why it was not. */
export async function outcome(recovery: Promise<Recovery>): Promise<readonly string[] | string> {
  const given = await recovery;
  return 'lost' in given ? given.lost : given.messages.map(({ text }) => text);
}

/** Lets what was asked for go on, and the clock by some milliseconds with each of so many turns. */
export async function passTurns(clock: TestClock, count = 20, milliseconds = 1): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await turn();
    clock.advance(milliseconds);
  }
}
