import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Clock } from '../../../../src/core/clock.ts';
import { Message, type MessageInit } from '../../../../src/core/message.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { encodeBatches, outgoing } from '../../../../src/transports/embedded/records/batch-format.ts';
import type { Store } from '../../../../src/transports/embedded/records/store.ts';
import type { PartitionState } from '../../../../src/transports/embedded/records/topic-state.ts';

export async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-unit-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function openStore(t: TestContext): Promise<Store> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-unit-'));
  const store = storeIn(directory, false);
  t.after(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  return store;
}

export async function onePartition(store: Store, config: Record<string, string> = {}): Promise<PartitionState> {
  const topic = await store.createTopic('t', 1, config);
  const partition = topic?.partitions[0];
  if (partition === undefined) throw new Error('the topic is there already');
  return partition;
}

/** Stores records as one batch. */
export async function append(store: Store, partition: PartitionState, messages: readonly Message[]): Promise<void> {
  const records = messages.map((message) => outgoing(message, 0));
  await store.records.append([{ partition, batches: encodeBatches(records) }]);
}

export function message(text: string, init: MessageInit = {}): Message {
  return new Message(Buffer.from(text), init);
}

export function readAll(store: Store, partition: PartitionState): Message[] {
  const limits = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  return store.records.read(partition, partition.start, limits).messages;
}

export const parts = () => ({ logger: createLogger({ level: 'silent' }), stats: createStats() });

/** A clock that moves only by `advance`. */
export class HandClock implements Clock {
  time = 1_000_000;
  private readonly timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  now(): number {
    return this.time;
  }

  elapsed(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.time + milliseconds, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  get pending(): number {
    return this.timers.size;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    for (const timer of [...this.timers]) {
      if (timer.due > this.time) continue;
      this.timers.delete(timer);
      timer.callback();
    }
  }
}

/** Turns of the event loop until the condition holds; fails where it never does. */
export async function until(condition: () => boolean): Promise<void> {
  for (const begun = performance.now(); !condition(); await new Promise((resolve) => setImmediate(resolve)))
    if (performance.now() - begun > 20_000) throw new Error(`it never came to that: ${condition}`);
}
