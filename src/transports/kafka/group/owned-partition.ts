import type { TidegateError } from '../../../core/errors.ts';
import type { GroupState } from '../../../core/group-state.ts';
import type { TopicPartition } from '../../../core/log.ts';
import type { Message, Readiness, SettleTarget } from '../../../core/message.ts';
import { type GroupCommit, isSameCommit } from '../../group-commit.ts';
import { GroupFlight, Replay } from '../../replay.ts';

/**
 * What of a partition was handed over since it was assigned or sought. A settle that comes after the partition was taken
 * away, or after a seek, finds it stale and is ignored.
 */
class PartitionInFlight extends GroupFlight implements SettleTarget {
  stale = false;
  /** The partition is another member's. */
  isLost = false;
  private readonly moved: () => void;

  constructor(replay: Replay, start: number, moved: () => void) {
    super(replay, start);
    this.moved = moved;
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.stale) return;
    if (failure !== null && !message.isReplayed) {
      this.fail(message.token);
      return;
    }
    this.settle(message.token);
    this.moved();
  }

  staged({ token }: Message): void {
    if (this.stale) return;
    this.settle(token);
    this.moved();
  }

  unstaged({ token }: Message): void {
    this.reopen(token);
  }

  /** What is stale because the log has moved us is not read again: the next transaction takes what was made of it. */
  readiness({ token }: Message): Readiness {
    if (this.isLost) return 'lost';
    return this.stale ? 'ready' : this.readinessOf(token);
  }
}

/** A partition that a group member owns now. */
export class OwnedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** What the group has committed, as far as we know; undefined for nothing. */
  committed: GroupCommit | undefined;
  /** What we last tried to commit; the answer may have been lost. */
  attempted: GroupCommit | undefined;
  /** Asked for by the user of the member. */
  paused = false;
  /** It has as much in flight as it may. */
  full = false;
  /** It goes to another member: nothing more is read of it, and its messages in flight may still be settled. */
  isGoing = false;
  private replay: Replay;
  private inFlight: PartitionInFlight;
  private readonly settled: (owned: OwnedPartition) => void;
  private readonly state: GroupState | undefined;

  /** `from`: what the group goes on from; `committed`: what it has committed, which may be of an earlier topic of the name. */
  constructor(
    place: TopicPartition,
    from: GroupCommit,
    committed: GroupCommit | undefined,
    settled: (owned: OwnedPartition) => void,
    state?: GroupState,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.committed = committed;
    this.settled = settled;
    this.state = state;
    this.replay = new Replay(state, place, from);
    this.inFlight = this.begin(this.replay.start);
  }

  /** Where reading starts: in front of what is committed where state is rebuilt. */
  get start(): number {
    return this.replay.start;
  }

  get target(): SettleTarget {
    return this.inFlight;
  }

  get committable(): number {
    return this.inFlight.committable;
  }

  get unsettled(): number {
    return this.inFlight.unsettled;
  }

  /** Whether all that was handed over is settled, replayed records too. */
  get isSettled(): boolean {
    return this.inFlight.isSettled;
  }

  /** What can be committed now; undefined while records are replayed. `position`: next offset to be handed over. */
  commit(position: number): GroupCommit | undefined {
    return this.inFlight.commit(position);
  }

  /** To be called before `admit` sees them. */
  markReplayed(messages: readonly Message[]): void {
    this.replay.mark(messages);
  }

  enter(message: Message): void {
    this.inFlight.enter(message.offset);
  }

  /** Whether what the group has committed shows that no other member had the partition since we committed. */
  isStillOurs(committed: GroupCommit | undefined): boolean {
    return (
      isSameCommit(committed, this.committed) ||
      (this.attempted !== undefined && isSameCommit(committed, this.attempted))
    );
  }

  /** Begins again in another topic of the same name, of which the group has committed nothing as far as we know. */
  beginAnew(start: number): void {
    this.committed = undefined;
    this.attempted = undefined;
    this.startOver(start);
  }

  /** Begins again at an offset in front of records that are not those that the group had processed. */
  startOver(start: number): void {
    this.replay.isOver = true;
    this.replay = new Replay(this.state, this, { offset: start });
    this.restart(start);
  }

  /** Begins again at an offset. */
  restart(start: number): void {
    this.inFlight.stale = true;
    this.inFlight = this.begin(start);
  }

  /** It is not ours any more. */
  release(): void {
    this.inFlight.stale = true;
    this.inFlight.isLost = true;
    this.replay.revoked();
  }

  private begin(start: number): PartitionInFlight {
    return new PartitionInFlight(this.replay, start, () => this.settled(this));
  }
}
