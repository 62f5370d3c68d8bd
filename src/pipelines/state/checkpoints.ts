/** A place from which reading may start again: the watermark was that just before the record of this offset. */
export interface Checkpoint {
  readonly offset: number;
  readonly watermark: number;
}

/** Offsets between two checkpoints: at most so many records are read again without need. */
const SPACING = 256;
/** With more than this, every second one is dropped and they come half as often. */
const MAX_CHECKPOINTS = 4_096;

/**
 * Where reading of a partition may start again, as it is read. State may be rebuilt from any checkpoint in front of the
 * first record that is still needed, not only from the last one, so a few of them are enough.
 */
export class Checkpoints {
  private list: Checkpoint[] = [];
  private spacing: number;
  private next = 0;

  constructor(start: Checkpoint, spacing = SPACING) {
    this.spacing = spacing;
    this.enter(start.offset, start.watermark);
  }

  /** Called before the watermark takes the record of that offset into account. */
  pass(offset: number, watermark: number): void {
    if (offset >= this.next) this.enter(offset, watermark);
  }

  /** Reading may start again there, however near the last one is. */
  add(offset: number, watermark: number): void {
    const last = this.list.at(-1)?.offset ?? -1;
    // The clock may have moved the watermark since.
    if (offset === last) this.list[this.list.length - 1] = { offset, watermark };
    else if (offset > last) this.enter(offset, watermark);
  }

  /** The last one at or in front of an offset; those in front of it are forgotten. */
  before(offset: number): Checkpoint {
    const { list } = this;
    let at = 0;
    while (at + 1 < list.length && (list[at + 1] as Checkpoint).offset <= offset) at += 1;
    if (at > 0) list.splice(0, at);
    // The list starts with the place where reading started, and what is asked for never goes back.
    return list[0] as Checkpoint;
  }

  /** The watermark was that just before the record of the offset, which is at least that of the last call. */
  private enter(offset: number, watermark: number): void {
    if (this.list.at(-1)?.offset === offset) return;
    this.list.push({ offset, watermark });
    if (this.list.length > MAX_CHECKPOINTS) {
      this.list = this.list.filter((_, index) => index % 2 === 0);
      this.spacing *= 2;
    }
    this.next = offset + this.spacing;
  }
}
