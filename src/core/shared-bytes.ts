/** Bytes that are written to many sockets and never copied: they are in memory once, however many wait to take them. */
export class SharedBytes {
  readonly bytes: Buffer;
  /** Sockets that have not taken them yet. */
  holders = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** What each holder counts for them: together as much as they are. */
  get share(): number {
    return this.bytes.length / Math.max(1, this.holders);
  }
}
