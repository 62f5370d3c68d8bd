/** Acts in the order in which it was asked to, also while the values of an earlier time are still being computed. */
export class Turns {
  private before: Promise<void> | undefined;

  /** Acts at once where nothing is being waited for. `values` never reject, and `act` never throws. */
  take<T>(values: T | Promise<T>, act: (values: T) => void): void {
    if (!(values instanceof Promise) && this.before === undefined) {
      act(values);
      return;
    }
    const turn = Promise.all([values, this.before]).then(([ready]) => {
      if (this.before === turn) this.before = undefined;
      act(ready);
    });
    this.before = turn;
  }
}
