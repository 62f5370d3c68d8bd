import type { TopicPartition } from '../../core/log.ts';
import type { Position } from '../../core/topic-request.ts';
import type { Consumer } from './consumer.ts';
import { type Dispatch, placeOf } from './dispatch.ts';

/** What a consumer asks of its group. After it has left, no call has any effect. */
export class GroupHandle {
  /**
   * Resolves once the group's positions are fixed: a record that is appended from then on reaches one of its consumers.
   * Rejects with TG_GROUP_FAILED or TG_NOT_AUTHORIZED where the log refuses the group, which goes on trying all the
   * same, and with TG_STOPPING. While the log is away it waits.
   */
  readonly live: Promise<void>;
  private readonly consumer: Consumer;
  private readonly dispatch: Dispatch;
  /** Counts the calls of `ready`, so that each of its partitions comes first at times. */
  private round = 0;

  constructor(consumer: Consumer, dispatch: Dispatch, live: Promise<void>) {
    this.consumer = consumer;
    this.dispatch = dispatch;
    this.live = live;
  }

  get partitions(): readonly TopicPartition[] {
    return this.dispatch.shareOf(this.consumer).map(placeOf);
  }

  /** The peer has all records of that partition before `offset`, of those that were delivered by that assignment. */
  confirm(position: Position, epoch: number): void {
    const partition = this.dispatch.assigned(this.consumer, position);
    if (partition === undefined || partition.epoch !== epoch) return;
    partition.confirm(position.offset);
    this.dispatch.enqueue(partition);
    this.dispatch.run();
  }

  /** There is room again. */
  ready(): void {
    const share = this.dispatch.shareOf(this.consumer);
    // Little room is not always for the same partition: the one that was first is last the next time.
    const first = share.length < 2 ? 0 : this.round++ % share.length;
    for (let index = 0; index < share.length; index += 1) {
      const partition = share[(first + index) % share.length];
      if (partition !== undefined) this.dispatch.enqueue(partition);
    }
    this.dispatch.run();
  }

  /**
   * Delivery begins anew at that offset, by a new assignment; false where the consumer does not have the partition, or
   * that is no offset.
   */
  seek(position: Position): boolean {
    // Comes from a client; a fetch from such a place would fail for ever, and that of all the other partitions with it.
    if (!Number.isSafeInteger(position.offset) || position.offset < 0) return false;
    return this.dispatch.seek(this.consumer, position);
  }

  /** Its partitions go to the others, from the first unconfirmed record of each. */
  leave(): void {
    this.dispatch.leave(this.consumer);
  }
}
