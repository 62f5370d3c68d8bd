/** Time as a dependency, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `milliseconds`; the returned function cancels. The timer does not keep the process alive. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Most milliseconds that a timer of Node waits; one that is to wait longer fires at once. */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (left: number) => {
      timer = left > LONGEST ? setTimeout(wait, LONGEST, left - LONGEST) : setTimeout(callback, left);
      timer.unref();
    };
    wait(milliseconds);
    return () => clearTimeout(timer);
  },
};
