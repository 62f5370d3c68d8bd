import type { TidegateError } from '../../core/errors.ts';
import type { GroupOptions, Log, TransactionOptions } from '../../core/log.ts';
import type { Message, SettleTarget, Tracker } from '../../core/message.ts';
import type { CaseContext } from './case.ts';
import { createTopic, Joined, laneOf, openReader, pass, records, store, uniqueName } from './fixture.ts';

/** No transaction is made by itself. */
export const NEVER = 600_000;

/** What became of a message, in the place of its own target. */
export class Outcome implements SettleTarget {
  readonly settledAs: (string | null)[] = [];

  settled(message: Message, failure: TidegateError | null): void {
    this.settledAs.push(failure === null ? message.outcome : failure.code);
  }
}

export const transactions = (more: Partial<TransactionOptions> = {}): TransactionOptions => ({
  name: uniqueName('writer'),
  interval: NEVER,
  bytes: 1_000_000,
  ...more,
});

/** Two topics, and a member that was given ten records of the first one and has settled none. */
export async function tenRead(t: CaseContext, log: Log, more: Partial<GroupOptions> = {}) {
  const [source, results] = [await createTopic(t, log), await createTopic(t, log)];
  const group = uniqueName('group');
  const lane = laneOf(t, log, source);
  await store(lane, records(10));
  const options = {
    group,
    topics: [source],
    from: 'earliest',
    commitInterval: NEVER,
    transactions: transactions(),
    ...more,
  } as const;
  const joined = new Joined(t, log, options);
  const messages = await joined.seen.atLeast(10);
  return { source, results, group, lane, options, joined, member: joined.member, messages };
}

export const resultOf = (message: Message) => message.derive({ payload: Buffer.from(`r${message.text}`) });
export const committedOf = async (log: Log, group: string, topic: string) =>
  (await log.admin.committed(group, topic)).get(0) ?? 0;

/** What a topic holds once it holds that many: a transaction is committed a moment before its records can be read. */
export async function stored(t: CaseContext, log: Log, topic: string, count: number): Promise<Message[]> {
  const { reader, seen } = await openReader(t, log, [topic], 'earliest');
  await seen.atLeast(count);
  await pass(100);
  await reader.close();
  return seen.messages;
}

/** Dead letters that are written when the test says so. */
export class Letters implements Tracker {
  readonly taken: Message[] = [];

  takeOver(message: Message): boolean {
    this.taken.push(message.derive({}));
    return true;
  }

  settled(): void {}
}
