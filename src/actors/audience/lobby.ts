/** Where connections wait until what they are to get of the past has been read. */
export class Lobby<C> {
  private readonly opened: (waiting: Iterable<C>) => void;
  private waiting: Set<C> | undefined;
  private readers = 0;

  /** `opened` is told, once, of those who wait when nobody reads any more. */
  constructor(opened: (waiting: Iterable<C>) => void) {
    this.opened = opened;
  }

  get isShut(): boolean {
    return this.waiting !== undefined;
  }

  /** Somebody begins to read. */
  begin(): void {
    this.readers += 1;
    this.waiting ??= new Set();
  }

  /** One of those who read is done. */
  done(): void {
    const { waiting } = this;
    this.readers -= 1;
    if (waiting === undefined || this.readers > 0) return;
    this.waiting = undefined;
    this.opened(waiting);
  }

  add(connection: C): void {
    this.waiting?.add(connection);
  }

  delete(connection: C): void {
    this.waiting?.delete(connection);
  }
}
