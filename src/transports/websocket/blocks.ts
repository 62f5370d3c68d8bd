/** Sizes of blocks: the first of a list, and all others. */
const SMALL = 4_096;
const LARGE = 16_384;
/** Most blocks of each size that are kept for later: 68 MiB with what they cost. Those beyond are left to the garbage collector. */
const MAX_FREE = 4_096;

const free: Record<number, Buffer[]> = { [SMALL]: [], [LARGE]: [] };

/**
 * Bytes in blocks of memory that are used again, by the next message that comes: pieces of any size are joined, so that a byte
 * that came alone costs no Buffer, and what is cleared is free at once, without a garbage collection.
 */
export class Blocks {
  length = 0;
  /** Bytes that the blocks take. */
  cost = 0;
  private readonly blocks: Buffer[] = [];
  /** Bytes that are free in the last block. */
  private room = 0;

  append(bytes: Buffer): void {
    let taken = 0;
    while (taken < bytes.length) {
      if (this.room === 0) this.grow();
      const block = this.blocks.at(-1) as Buffer;
      const part = Math.min(this.room, bytes.length - taken);
      bytes.copy(block, block.length - this.room, taken, taken + part);
      taken += part;
      this.room -= part;
    }
    this.length += bytes.length;
  }

  /** Copies all bytes to the beginning of `target`, and clears. */
  moveTo(target: Buffer): void {
    let at = 0;
    for (const block of this.blocks) at += block.copy(target, at, 0, Math.min(block.length, this.length - at));
    this.clear();
  }

  clear(): void {
    for (const block of this.blocks) giveBack(block);
    this.blocks.length = 0;
    this.length = 0;
    this.cost = 0;
    this.room = 0;
  }

  private grow(): void {
    const size = this.blocks.length === 0 ? SMALL : LARGE;
    const block = free[size]?.pop() ?? Buffer.allocUnsafeSlow(size);
    this.blocks.push(block);
    this.room = size;
    this.cost += size;
  }
}

function giveBack(block: Buffer): void {
  const list = free[block.length];
  if (list !== undefined && list.length < MAX_FREE) list.push(block);
}
