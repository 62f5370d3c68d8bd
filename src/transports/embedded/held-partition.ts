import type { TidegateError } from '../../core/errors.ts';
import type { Message, SettleTarget } from '../../core/message.ts';
import { SettledPrefix } from '../../core/settled-prefix.ts';
import type { Cursor } from './fetcher.ts';
import type { PartitionState } from './topic-state.ts';

/** A partition in the hands of a member, from an assignment or a seek to the next: an older one's settles count no more. */
export class Held implements Cursor, SettleTarget {
  readonly partition: PartitionState;
  readonly target = this;
  position: number;
  paused = false;
  before: number | undefined;
  isStale = false;
  private readonly prefix: SettledPrefix;
  private readonly most: number;
  private readonly hasRoomAgain: () => void;
  readonly admit: Cursor['admit'];

  constructor(
    partition: PartitionState,
    position: number,
    most: number,
    hasRoomAgain: () => void,
    admit?: Cursor['admit'],
  ) {
    this.admit = admit;
    this.partition = partition;
    this.position = position;
    this.prefix = new SettledPrefix(position);
    this.most = most;
    this.hasRoomAgain = hasRoomAgain;
  }

  get room(): number {
    return this.most - this.prefix.unsettled;
  }

  /** The offset behind all that is settled without a gap. */
  get committable(): number {
    return this.prefix.committable;
  }

  took(messages: readonly Message[]): void {
    for (const { offset } of messages) this.prefix.enter(offset);
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.isStale || failure !== null) return;
    const wasFull = this.room <= 0;
    this.prefix.settle(message.token);
    if (wasFull && this.room > 0) this.hasRoomAgain();
  }
}
