import type { Clock } from '../../../core/clock.ts';
import type { OwnedPartition } from './owned-partition.ts';

/** Milliseconds that what is in flight has to be settled before its partition goes to another member. */
const SETTLE_TIMEOUT = 500;

/** The wait for what is in flight of partitions that go to another member, so that it need not read them again. */
export class HandOver {
  private readonly clock: Clock;
  private look: () => void = () => {};

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Something of a partition was settled. */
  settled(partition: OwnedPartition): void {
    if (partition.isGoing) this.look();
  }

  /** Resolves when nothing of these partitions is in flight any more, or SETTLE_TIMEOUT is over. */
  quiet(going: readonly OwnedPartition[]): Promise<void> {
    const isQuiet = () => going.every(({ unsettled }) => unsettled === 0);
    if (isQuiet()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.look = () => {};
        resolve();
      };
      const cancel = this.clock.after(SETTLE_TIMEOUT, end);
      this.look = () => {
        if (isQuiet()) end();
      };
    });
  }
}
