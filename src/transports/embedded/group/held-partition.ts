import type { TidegateError } from '../../../core/errors.ts';
import type { Message, Readiness, SettleTarget } from '../../../core/message.ts';
import type { GroupCommit } from '../../group-commit.ts';
import { GroupFlight, type Replay } from '../../replay.ts';
import type { Cursor } from '../fetch/fetcher.ts';
import type { PartitionState } from '../records/topic-state.ts';

export interface HeldOptions {
  /** Records that may be unsettled. */
  readonly most: number;
  readonly hasRoomAgain: () => void;
  readonly admit: ((messages: readonly Message[]) => number) | undefined;
}

/** A partition in the hands of a member, from an assignment or a seek to the next: an older one's settles count no more. */
export class Held implements Cursor, SettleTarget {
  readonly partition: PartitionState;
  readonly replay: Replay;
  readonly target = this;
  position: number;
  paused = false;
  before: number | undefined;
  isStale = false;
  /** The partition is another member's. */
  isLost = false;
  private readonly flight: GroupFlight;
  private readonly options: HeldOptions;

  constructor(partition: PartitionState, replay: Replay, position: number, options: HeldOptions) {
    this.partition = partition;
    this.replay = replay;
    this.position = position;
    this.flight = new GroupFlight(replay, position);
    this.options = options;
  }

  get room(): number {
    return this.options.most - this.flight.unsettled;
  }

  get isRevoked(): boolean {
    return this.flight.isRevoked;
  }

  /** The offset behind all that is settled without a gap. */
  get committable(): number {
    return this.flight.committable;
  }

  /** What can be committed now; undefined while records are replayed. */
  get commit(): GroupCommit | undefined {
    return this.flight.commit(this.position);
  }

  /** Records behind the end; undefined while the position is not one in the log. */
  get lag(): number | undefined {
    const { position, partition } = this;
    return this.before !== undefined || position > partition.end ? undefined : partition.end - position;
  }

  get isAtEnd(): boolean {
    return this.lag === 0 && this.flight.isSettled;
  }

  admit(messages: readonly Message[]): number {
    this.replay.mark(messages);
    return this.options.admit?.(messages) ?? messages.length;
  }

  took(messages: readonly Message[]): void {
    for (const { offset } of messages) this.flight.enter(offset);
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.isStale) return;
    if (failure !== null && !message.isReplayed) {
      this.flight.fail(message.token);
      return;
    }
    const wasFull = this.room <= 0;
    this.flight.settle(message.token);
    if (wasFull && this.room > 0) this.options.hasRoomAgain();
  }

  staged(message: Message): void {
    this.settled(message, null);
  }

  unstaged({ token }: Message): void {
    this.flight.reopen(token);
  }

  /** What is stale because the log has moved us is not read again: the next transaction takes what was made of it. */
  readiness({ token }: Message): Readiness {
    if (this.isLost) return 'lost';
    return this.isStale ? 'ready' : this.flight.readinessOf(token);
  }
}
