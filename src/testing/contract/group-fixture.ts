import { TidegateError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { CaseContext } from './case.ts';
import { createTopic, Joined, laneOf, numbers, record, records, store, uniqueName } from './fixture.ts';

export const FAILURE = new TidegateError('TG_PROCESSOR_FAILED', 'made to fail by the test');

/** Records with keys that reach all of four partitions. */
export function spread(count: number, from = 0): Message[] {
  return numbers(from, from + count).map((at) => record(String(at), { key: `k${at % 40}` }));
}

export function place({ partition, offset }: Message): string {
  return `${partition}/${offset}`;
}

export async function committedOf(log: Log, group: string, topic: string): Promise<Record<number, number>> {
  return Object.fromEntries(await log.admin.committed(group, topic));
}

/** One partition, its records, and a member that has been given them all and settled none. */
export async function holding(t: CaseContext, log: Log, count: number) {
  const topic = await createTopic(t, log);
  const group = uniqueName('group');
  const lane = laneOf(t, log, topic);
  await store(lane, records(count));
  // Commits happen when the test asks for them.
  const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 600_000 });
  const messages = await joined.seen.atLeast(count);
  return { topic, group, lane, joined, member: joined.member, messages };
}
