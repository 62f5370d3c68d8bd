/** Does work in the order in which it is given, also if some of it needs a value that is still being evaluated. */
export class Turns {
  /** Whether work waits for a value. */
  isWaiting = false;
  private readonly waiting: (() => void)[] = [];

  next(work: () => void): void {
    if (this.isWaiting) this.waiting.push(work);
    else work();
  }

  /** `value` never rejects. */
  after<T>(value: T | Promise<T>, work: (value: T) => void): void {
    this.next(() => {
      if (!(value instanceof Promise)) {
        work(value);
        return;
      }
      this.isWaiting = true;
      void value.then((ready) => {
        this.isWaiting = false;
        work(ready);
        this.catchUp();
      });
    });
  }

  private catchUp(): void {
    while (!this.isWaiting) {
      const work = this.waiting.shift();
      if (work === undefined) return;
      work();
    }
  }
}
