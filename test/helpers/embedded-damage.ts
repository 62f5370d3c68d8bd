import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { Gap, TopicSpec } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats, type Stats } from '../../src/telemetry/stats.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../../src/transports/embedded/index.ts';

export const PAGE = 4_096;
const WITHOUT_CHECKSUM = 2;

export interface LogFiles {
  readonly directory: string;
  readonly data: string;
}

export function openLog(directory: string, stats: Stats = createStats()): EmbeddedLog {
  return createEmbeddedLog({ path: directory, logger: createLogger({ level: 'silent' }), stats, clock: systemClock });
}

/** A log that was closed, with records `record-0`, `record-1` ... in batches of `each`; their text is as long as `size`. */
export async function writtenLog(
  t: TestContext,
  { records = 100, each = 10, size = 12, topic = { name: 't' } as TopicSpec } = {},
): Promise<LogFiles> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-damage-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const log = openLog(directory);
  await log.open();
  await log.admin.create(topic);
  const lane = log.lane(topic.name, { retrying() {}, recovered() {}, duplicatesPossible() {} });
  for (let from = 0; from < records; from += each) {
    const batch = Array.from({ length: each }, (_, at) => textOf(from + at, size));
    await lane.send(batch.map((text, at) => new Message(Buffer.from(text), { key: `k${from + at}` })));
  }
  await log.close();
  return { directory, data: path.join(directory, 'data.mdb') };
}

export function textOf(record: number, size = 12): string {
  return `record-${record}`.padEnd(size, '.');
}

/** Everything that a reader of the topic is given, until it has come to the end. */
export async function readThrough(log: EmbeddedLog, topic = 't'): Promise<{ texts: string[]; gaps: Gap[] }> {
  const texts: string[] = [];
  const gaps: Gap[] = [];
  const offsets = await log.admin.offsets(topic);
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  const isThrough = () =>
    offsets.every(({ partition, latest }) => (reader.positions().get(topic)?.get(partition) ?? 0) >= latest);
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (isThrough()) resolve();
    };
    reader.gaps$.subscribe((gap) => {
      gaps.push(gap);
      look();
    });
    reader.batches$.subscribe({
      next: ({ messages }) => {
        texts.push(...messages.map(({ text }) => text));
        look();
      },
      error: reject,
    });
    reader.live.then(look, reject);
  });
  await reader.close();
  return { texts, gaps };
}

/** Changes the text wherever it is in the file: pages that are not in use any more have it, too. */
export function changeText(file: string, text: string): void {
  const content = readFileSync(file);
  let found = 0;
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
    content[at] = 'R'.charCodeAt(0);
    found += 1;
  }
  if (found === 0) throw new Error(`${text} is not in ${file}`);
  writeFileSync(file, content);
}

/** Does something to the page that has the text, in the file of a log in which only one page has it. */
export function changePage(file: string, text: string, change: (page: Buffer) => void): void {
  const content = readFileSync(file);
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + PAGE)) {
    const start = at - (at % PAGE);
    change(content.subarray(start, start + PAGE));
  }
  writeFileSync(file, content);
}

/** The batch as versions before the checksum wrote it. */
export function asVersion2(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([WITHOUT_CHECKSUM]), value.subarray(5)]);
}
