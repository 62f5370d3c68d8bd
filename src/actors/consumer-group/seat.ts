import type { TopicPartition } from '../../core/log.ts';
import type { Position } from '../../core/topic-request.ts';
import type { Consumer, GroupSeat } from './port.ts';

/** What a seat asks of its group. */
export interface SeatedIn {
  readonly live: Promise<void>;
  heldBy(seat: Seat): readonly TopicPartition[];
  confirm(seat: Seat, position: Position, deal: number): void;
  ready(seat: Seat): void;
  seek(seat: Seat, position: Position): boolean;
  leave(seat: Seat): void;
}

/** A consumer's place in a group; after it has left nothing that it says has any effect. */
export class Seat implements GroupSeat {
  readonly consumer: Consumer;
  readonly live: Promise<void>;
  /** Counts the rounds, so that each of its partitions comes first at times. */
  turn = 0;
  private readonly group: SeatedIn;

  constructor(consumer: Consumer, group: SeatedIn) {
    this.consumer = consumer;
    this.group = group;
    this.live = group.live;
  }

  get partitions(): readonly TopicPartition[] {
    return this.group.heldBy(this);
  }

  confirm(position: Position, deal: number): void {
    this.group.confirm(this, position, deal);
  }

  ready(): void {
    this.group.ready(this);
  }

  seek(position: Position): boolean {
    return this.group.seek(this, position);
  }

  leave(): void {
    this.group.leave(this);
  }
}
