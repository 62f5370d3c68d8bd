import type { TestContext } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../../src/core/clock.ts';
import type { LaneObserver, Log } from '../../src/core/log.ts';
import { Message, type MessageInit } from '../../src/core/message.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import type { Compression } from '../../src/transports/kafka/compression/compression.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';

const noop = () => undefined;
const silent: Logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => silent };

/** The driver as the gateway makes it, open; closed after the test. */
export async function openLog(t: TestContext, brokers: string, compression: Compression = 'none'): Promise<Log> {
  const stats = createStats();
  const settings = { brokers: [brokers], client_id: 'faults', compression };
  const log = createKafkaLog({ ...settings, logger: silent, stats, clock: systemClock });
  await log.open();
  t.after(() => log.close());
  return log;
}

/** kafkajs as a program without Tidegate uses it. */
export function plainKafkajs(brokers: string): Kafka {
  return new Kafka({ brokers: [brokers], clientId: 'naive', logLevel: logLevel.NOTHING });
}

/** Counts what a lane reports. */
export class CountingObserver implements LaneObserver {
  outages = 0;
  recoveries = 0;
  duplicates = 0;

  retrying(): void {
    this.outages += 1;
  }

  recovered(): void {
    this.recoveries += 1;
  }

  duplicatesPossible(): void {
    this.duplicates += 1;
  }
}

export function records(from: number, count: number, init: MessageInit = {}): Message[] {
  return Array.from({ length: count }, (_, index) => new Message(Buffer.from(String(from + index)), init));
}

export interface Reckoning {
  /** Acknowledged, and not in the topic. */
  readonly lost: number;
  /** In the topic more than once. */
  readonly doubled: number;
  /** How often a value is followed by a smaller one in its partition. */
  readonly back: number;
}

/** Compares rising numbers that were acknowledged with the content of a topic. */
export function reckon(
  acked: readonly number[],
  stored: readonly { partition: number; offset: number; value: string }[],
): Reckoning {
  const counts = new Map<number, number>();
  const last = new Map<number, number>();
  let back = 0;
  for (const { partition, value } of [...stored].sort((a, b) => a.offset - b.offset)) {
    const number = Number(value);
    counts.set(number, (counts.get(number) ?? 0) + 1);
    if (number < (last.get(partition) ?? -1)) back += 1;
    last.set(partition, number);
  }
  return {
    lost: acked.filter((number) => !counts.has(number)).length,
    doubled: [...counts.values()].filter((count) => count > 1).length,
    back,
  };
}

export const NOTHING_WRONG: Reckoning = { lost: 0, doubled: 0, back: 0 };

export function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Checks every few milliseconds until the condition is true. */
export async function until(condition: () => boolean, timeout: number, what: string): Promise<void> {
  for (const end = Date.now() + timeout; !condition(); ) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeout} ms`);
    await pass(5);
  }
}
