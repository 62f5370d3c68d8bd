/** The last ids that came, and what became of their messages. */
export class IdWindow {
  private readonly size: number;
  /** In the order they came: whether the message is settled. */
  private readonly ids = new Map<string, boolean>();

  constructor(size: number) {
    this.size = size;
  }

  /** False for an id that is known. */
  add(id: string): boolean {
    if (this.ids.has(id)) return false;
    this.ids.set(id, false);
    if (this.ids.size > this.size) {
      for (const oldest of this.ids.keys()) {
        this.ids.delete(oldest);
        break;
      }
    }
    return true;
  }

  settle(id: string): void {
    if (this.ids.has(id)) this.ids.set(id, true);
  }

  isSettled(id: string): boolean {
    return this.ids.get(id) === true;
  }

  /** Its message failed: when it comes again, it is welcome. */
  forget(id: string): void {
    this.ids.delete(id);
  }
}
