import { Fifo } from '../../core/fifo.ts';

/** Something that was given out, until the log has it. */
export interface Landing {
  readonly done: () => void;
  hasLanded: boolean;
}

/** What follows, in the order in which things were given out, once the log has one and all before it. */
export class Landings<T extends Landing> {
  private readonly queue = new Fifo<T>();

  /** The first one that the log does not have, or has without one before it. */
  get first(): T | undefined {
    return this.queue.peek();
  }

  add(one: T): T {
    this.queue.push(one);
    return one;
  }

  landed(one: T): void {
    one.hasLanded = true;
    for (let first = this.first; first?.hasLanded === true; first = this.first) {
      this.queue.shift();
      first.done();
    }
  }
}
