import type { GroupState } from '../core/group-state.ts';
import type { TopicPartition } from '../core/log.ts';
import type { Message, Readiness } from '../core/message.ts';
import { SettledPrefix } from '../core/settled-prefix.ts';
import type { GroupCommit } from './group-commit.ts';

/**
 * What a member reads of a partition to rebuild the state of its operators: the records in front of the offset that the
 * group had committed when the member was given the partition. Without state there are none.
 */
export class Replay {
  /** Where reading starts. */
  readonly start: number;
  /** The partition was given up or assigned anew. */
  isOver = false;
  private readonly end: number;
  private readonly state: GroupState | undefined;
  private readonly place: TopicPartition;

  /** Tells the state that the partition is assigned. `committed`: what the group goes on from. */
  constructor(state: GroupState | undefined, { topic, partition }: TopicPartition, committed: GroupCommit) {
    const { offset, note } = committed;
    this.state = state;
    this.place = { topic, partition };
    this.end = state === undefined ? 0 : offset;
    this.start = state === undefined ? offset : Math.min(offset, state.assigned(this.place, offset, note));
  }

  has(offset: number): boolean {
    return offset < this.end;
  }

  /** Where settling starts to count for a read that starts at an offset. */
  settledFrom(offset: number): number {
    return Math.max(offset, this.end);
  }

  /** `messages`: as they were read, in the order of their offsets. */
  mark(messages: readonly Message[]): void {
    for (const message of messages) {
      if (!this.has(message.offset)) return;
      message.isReplayed = true;
    }
  }

  /** How far to commit of what is settled up to an offset, and the note for it; undefined: nothing yet. */
  commit(settled: number): GroupCommit | undefined {
    const { state, place } = this;
    if (state === undefined) return { offset: settled };
    const offset = state.committable === undefined ? settled : state.committable(place, settled);
    return offset === undefined ? undefined : { offset, note: state.note(place, offset) };
  }

  /** The partition is not ours any more. */
  revoked(): void {
    this.isOver = true;
    this.state?.revoked(this.place);
  }
}

/**
 * What was handed over of a partition since it was assigned or sought, and what of it may be committed: nothing before all
 * replayed records are settled, because the state, and with it the note, is not complete until then.
 */
export class GroupFlight {
  private readonly replay: Replay;
  private readonly prefix: SettledPrefix;
  /** Offsets that were settled and are not any more, as what was made of them was refused, or has failed for good since. */
  private readonly reopened = new Map<number, 'refused' | 'failed'>();
  /** Offset of the last commit that was asked for; 0 before the first. */
  private committing = 0;
  /** Replayed records that are not settled; one that fails again is, as its failure was handled the first time. */
  private replayed = 0;

  constructor(replay: Replay, start: number) {
    this.replay = replay;
    this.prefix = new SettledPrefix(replay.settledFrom(start));
  }

  /** The offset behind all that is settled without a gap. */
  get committable(): number {
    const { committable } = this.prefix;
    return this.reopened.size === 0 ? committable : Math.min(committable, ...this.reopened.keys());
  }

  /** Without replayed records. */
  get unsettled(): number {
    return this.prefix.unsettled;
  }

  /** Whether the assignment that it belongs to is over. */
  get isRevoked(): boolean {
    return this.replay.isOver;
  }

  /** Whether all that was handed over is settled, replayed records too. */
  get isSettled(): boolean {
    return this.replayed === 0 && this.unsettled === 0 && this.reopened.size === 0;
  }

  enter(offset: number): void {
    if (this.replay.has(offset)) this.replayed += 1;
    else this.prefix.enter(offset);
  }

  settle(offset: number): void {
    if (this.replay.has(offset)) this.replayed -= 1;
    else this.prefix.settle(offset);
    this.reopened.delete(offset);
  }

  /** It is not settled after all, until `settle` says so again. */
  reopen(offset: number): void {
    this.reopened.set(offset, 'refused');
  }

  /** It will not be settled by this flight: nothing behind it is committed. */
  fail(offset: number): void {
    if (this.reopened.has(offset)) this.reopened.set(offset, 'failed');
  }

  /** Of what was made of the record of an offset; `ready`: the commit that was asked for last is behind it. */
  readinessOf(offset: number): Readiness {
    return this.reopened.get(offset) ?? (offset < this.committing ? 'ready' : 'early');
  }

  /** What can be committed now; undefined while records are replayed. `position`: next offset to be handed over. */
  commit(position: number): GroupCommit | undefined {
    if (this.replayed > 0 || this.replay.has(position)) return undefined;
    const commit = this.replay.commit(this.committable);
    if (commit !== undefined) this.committing = commit.offset;
    return commit;
  }
}
