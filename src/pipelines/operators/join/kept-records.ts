import type { Hold } from '../../../sdk/index.ts';

/** A record that waits for others. */
export interface Kept {
  readonly key: string;
  readonly text: string;
  readonly time: number;
  /** No record of the other side that is in time has a partner in it from here on. */
  readonly end: number;
  readonly hold: Hold;
  /** It was committed before this gateway had its partition. */
  readonly isReplayed: boolean;
  /** Of a left one, the first right one that it met. */
  partner: Kept | undefined;
  /** Of a right one: who needs it to be read again, itself and left ones that have no other partner. */
  users: number;
  isOver: boolean;
}

/** Records of one side and key, by their time. */
export class KeptRecords {
  private list: (Kept | undefined)[] = [];
  /** What was in front of it is gone. */
  private head = 0;

  get isEmpty(): boolean {
    return this.head === this.list.length;
  }

  add(record: Kept): void {
    this.list.splice(
      this.find((time) => time > record.time),
      0,
      record,
    );
  }

  /** Its end has come before that of all with a later time. */
  remove(record: Kept): void {
    const { list, head } = this;
    const at = list.indexOf(record, head);
    // Of several with the same time any may go first.
    list[at] = list[head];
    list[head] = undefined;
    this.head += 1;
    if (this.head < 64 || this.head * 2 < list.length) return;
    this.list = list.slice(this.head);
    this.head = 0;
  }

  /** Those from one time to another one, both included. */
  between(from: number, to: number): Kept[] {
    const found: Kept[] = [];
    for (let at = this.find((time) => time >= from); at < this.list.length; at += 1) {
      const record = this.list[at] as Kept;
      if (record.time > to) break;
      found.push(record);
    }
    return found;
  }

  all(): Kept[] {
    return this.list.slice(this.head) as Kept[];
  }

  /** The place of the first one whose time is so, as are all behind it. */
  private find(isSo: (time: number) => boolean): number {
    let low = this.head;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isSo((this.list[middle] as Kept).time)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
