import type { GroupState, StateNote } from '../../core/group-state.ts';
import type { GroupOptions, Log, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { CaseContext } from './case.ts';
import { ackAll, createTopic, Joined, laneOf, offsetsOf, records, store, uniqueName } from './fixture.ts';

export type Call =
  | { readonly at: 'assigned'; readonly partition: number; readonly committed: number; readonly note?: StateNote }
  | { readonly at: 'note' | 'revoked'; readonly partition: number };

/** Needs the last `back` records of what is committed, and remembers what it is asked. */
export class Remembered implements GroupState {
  readonly calls: Call[] = [];
  through = 7;
  keepsNothing = false;
  private readonly back: number;

  constructor(back = 4) {
    this.back = back;
  }

  get assignments(): Extract<Call, { at: 'assigned' }>[] {
    return this.calls.filter((call) => call.at === 'assigned');
  }

  /** Of one partition, in order. */
  of(partition: number): Call['at'][] {
    return this.calls.filter((call) => call.partition === partition).map(({ at }) => at);
  }

  assigned({ partition }: TopicPartition, committed: number, note: StateNote | undefined): number {
    this.calls.push({ at: 'assigned', partition, committed, ...(note === undefined ? {} : { note }) });
    return note?.replay ?? committed;
  }

  note({ partition }: TopicPartition, committable: number): StateNote | undefined {
    this.calls.push({ at: 'note', partition });
    return this.keepsNothing ? undefined : noteAt(committable, this.back, this.through);
  }

  revoked({ partition }: TopicPartition): void {
    this.calls.push({ at: 'revoked', partition });
  }
}

export function noteAt(committable: number, back = 4, through = 7): StateNote {
  return { replay: Math.max(0, committable - back), watermark: committable * 10, through };
}

export const replayedOf = (messages: readonly Message[]) => offsetsOf(messages.filter(({ isReplayed }) => isReplayed));

/** A group that has committed ten records of one partition with a note, and has no member now. */
export async function tenCommitted(t: CaseContext, log: Log, spec: { config?: Record<string, string> } = {}) {
  const topic = await createTopic(t, log, spec);
  const group = uniqueName('group');
  const lane = laneOf(t, log, topic);
  await store(lane, records(10));
  // Commits happen when the test asks for them.
  const options = { group, topics: [topic], from: 'earliest', commitInterval: 600_000 } as const;
  const first = new Joined(t, log, { ...options, state: new Remembered() }, ackAll);
  await first.seen.atLeast(10);
  await first.member.leave();
  const join = (state: GroupState, receive?: typeof ackAll, more: Partial<GroupOptions> = {}) =>
    new Joined(t, log, { ...options, ...more, state }, receive);
  return { topic, group, lane, join };
}

/** What the next member of the group sees for partition 0. */
export async function nextAssignment(join: (state: GroupState) => Joined): Promise<unknown> {
  const state = new Remembered();
  const joined = join(state);
  await joined.owns(1);
  await joined.member.leave();
  return state.assignments[0];
}

export const TEN = { at: 'assigned', partition: 0, committed: 10, note: noteAt(10) };
