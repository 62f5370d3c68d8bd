import type { Hold, Message, PartitionOperator, PartitionPort } from '../../../sdk/index.ts';
import type { StateSize } from '../state-limit.ts';

export interface Selection {
  /** Throws, or rejects with, TG_EXPRESSION_FAILED. */
  keyOf(record: Message): string | Promise<string>;
  /** The record as a message of its own, without the chunk that it was read in. */
  copy(record: Message): Message;
  /** A newer one took its place. */
  replaced(): void;
}

interface Newest {
  readonly message: Message;
  readonly hold: Hold;
  readonly bytes: number;
}

/** Bytes of a key's entry, about, besides key and record. */
const KEY_BYTES = 120;

/** The newest record of each key in one partition, of those that came since the last tick. */
export class NewestRecords implements PartitionOperator {
  readonly size: StateSize;
  private readonly selection: Selection;
  private readonly port: PartitionPort;
  private byKey = new Map<string, Newest>();
  /** What the last tick gave out is not stored. */
  private isPending = false;

  constructor(selection: Selection, port: PartitionPort, size: StateSize) {
    this.selection = selection;
    this.port = port;
    this.size = size;
  }

  take(record: Message): undefined | Promise<undefined> {
    const key = this.selection.keyOf(record);
    if (key instanceof Promise) return key.then((text) => this.enter(record, text));
    return this.enter(record, key);
  }

  advance(): void {}

  /**
   * While the log has not taken the last ones, newer records take the place of those that wait. While records are read
   * again they would be older than what was given out before.
   */
  tick(): void {
    if (this.byKey.size === 0 || this.isPending || this.port.isReplaying) return;
    const given = [...this.byKey.values()];
    this.byKey = new Map();
    this.size.keys = 0;
    this.size.bytes = 0;
    this.isPending = true;
    this.port.give({
      results: given.map(({ message }) => message),
      holds: given.map(({ hold }) => hold),
      done: () => {
        this.isPending = false;
      },
    });
  }

  private enter(record: Message, key: string): undefined {
    const known = this.byKey.get(key);
    this.size.check(known === undefined ? 1 : 0);
    const hold = this.port.hold(record);
    const bytes = KEY_BYTES + key.length + record.size;
    if (known === undefined) this.size.keys += 1;
    else {
      this.size.bytes -= known.bytes;
      this.port.release(known.hold);
      if (!record.isReplayed) this.selection.replaced();
    }
    // A key keeps its place: those that changed first go out first.
    this.byKey.set(key, { message: this.selection.copy(record), hold, bytes });
    this.size.bytes += bytes;
  }
}
