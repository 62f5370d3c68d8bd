/** How long a gate was closed in total, by a clock that is never set. */
export class GateTime {
  private readonly now: () => number;
  private total = 0;
  private closedAt: number | undefined;

  /** `now`: milliseconds since some moment. */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** Up to now, where it is closed. */
  get seconds(): number {
    const current = this.closedAt === undefined ? 0 : this.now() - this.closedAt;
    return (this.total + current) / 1_000;
  }

  changed(isOpen: boolean): void {
    if (!isOpen) this.closedAt ??= this.now();
    else if (this.closedAt !== undefined) {
      this.total += this.now() - this.closedAt;
      this.closedAt = undefined;
    }
  }
}
