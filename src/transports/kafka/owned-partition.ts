import type { TidegateError } from '../../core/errors.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message, SettleTarget } from '../../core/message.ts';
import { SettledPrefix } from '../../core/settled-prefix.ts';

/**
 * What of a partition was handed over since it was assigned or sought. A settle that comes after the partition was taken
 * away, or after a seek, finds its flight stale and counts for nothing.
 */
class PartitionFlight implements SettleTarget {
  readonly prefix: SettledPrefix;
  stale = false;
  private readonly moved: () => void;

  constructor(start: number, moved: () => void) {
    this.prefix = new SettledPrefix(start);
    this.moved = moved;
  }

  settled(message: Message, failure: TidegateError | null): void {
    if (this.stale || failure !== null) return;
    this.prefix.settle(message.token);
    this.moved();
  }
}

/** A partition that a group member owns now. */
export class OwnedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** What the group has committed, as far as we know; undefined for nothing. */
  committed: number | undefined;
  /** What we last tried to commit; the answer may have been lost. */
  attempted: number | undefined;
  /** Asked for by the user of the member. */
  paused = false;
  /** It has as much in flight as it may. */
  full = false;
  /** It was dealt away: nothing more is read of it, and what is in flight may still be settled. */
  isGoing = false;
  private flight: PartitionFlight;
  private readonly settled: (owned: OwnedPartition) => void;

  constructor(
    place: TopicPartition,
    start: number,
    committed: number | undefined,
    settled: (owned: OwnedPartition) => void,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.committed = committed;
    this.settled = settled;
    this.flight = this.depart(start);
  }

  get target(): SettleTarget {
    return this.flight;
  }

  get committable(): number {
    return this.flight.prefix.committable;
  }

  get unsettled(): number {
    return this.flight.prefix.unsettled;
  }

  enter(message: Message): void {
    this.flight.prefix.enter(message.offset);
  }

  /** Whether the group's committed offset shows that nobody else had the partition since we committed. */
  isStillOurs(committed: number | undefined): boolean {
    return committed === this.committed || (this.attempted !== undefined && committed === this.attempted);
  }

  /** Begins again in another topic of the same name, of which the group has committed nothing as far as we know. */
  beginAnew(start: number): void {
    this.committed = undefined;
    this.attempted = undefined;
    this.restart(start);
  }

  /** Begins again at an offset. */
  restart(start: number): void {
    this.flight.stale = true;
    this.flight = this.depart(start);
  }

  /** It is not ours any more. */
  release(): void {
    this.flight.stale = true;
  }

  private depart(start: number): PartitionFlight {
    return new PartitionFlight(start, () => this.settled(this));
  }
}
