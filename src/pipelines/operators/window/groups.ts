import type { Message, PartitionOperator, PartitionPort, Taken } from '../../../sdk/index.ts';
import type { StateSize } from '../state-limit.ts';
import type { Accumulator } from './accumulators.ts';
import type { Contribution, Grouping } from './grouping.ts';
import { Unshown } from './unshown.ts';

/** Bytes of a key's entry in a Map with its accumulators, about. */
const KEY_BYTES = 120;

export function bytesOf(key: string, accumulators: readonly Accumulator[]): number {
  let bytes = KEY_BYTES + key.length;
  for (const accumulator of accumulators) bytes += accumulator.bytes;
  return bytes;
}

/** Windows of one partition, of either kind. */
export abstract class Windows implements PartitionOperator {
  readonly size: StateSize;
  protected readonly grouping: Grouping;
  protected readonly port: PartitionPort;
  protected readonly unshown: Unshown;

  constructor(grouping: Grouping, port: PartitionPort, size: StateSize) {
    this.grouping = grouping;
    this.port = port;
    this.size = size;
    this.unshown = new Unshown(grouping, port);
  }

  abstract advance(): void;

  abstract giveAllEarly(at: number): boolean;

  take(record: Message, time: number): Taken | Promise<Taken> {
    const contribution = this.grouping.read(record);
    if (contribution instanceof Promise) return contribution.then((ready) => this.add(record, time, ready));
    return this.add(record, time, contribution);
  }

  tick(): void {
    this.unshown.tick();
  }

  protected abstract add(record: Message, time: number, contribution: Contribution): Taken | Promise<Taken>;

  /** No window takes the record any more. */
  protected late(record: Message): Taken {
    this.port.late(record);
    // It was written when it was read for the first time.
    return !record.isReplayed && this.grouping.late(record) ? 'elsewhere' : undefined;
  }

  /** Gives out what has ended and still counts. */
  protected freeEnded(): void {}

  /**
   * Makes room for more keys, or throws TG_STATE_FULL before anything of a record was taken in. A record that is read again
   * fitted when it was read for the first time: what was there besides may have ended since.
   */
  protected makeRoom(record: Message, moreKeys: () => number): void {
    if (record.isReplayed || this.size.hasRoomFor(moreKeys())) return;
    this.freeEnded();
    if (this.size.hasRoomFor(moreKeys())) return;
    if (this.grouping.emitsEarly) this.giveAllEarly(record.offset);
    this.size.check(moreKeys());
  }
}
