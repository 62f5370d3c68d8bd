/** Time as a dependency, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch, for timestamps only: it jumps when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some moment, at an even pace: for how long something takes, and until when something waits. */
  elapsed(): number;
  /** Calls back once after `milliseconds`; the returned function cancels. The timer does not keep the process alive. */
  after(milliseconds: number, callback: () => void): () => void;
  /** How much of a random part of a pause is waited for, from 0 to 1; random where it is left out. */
  jitter?(): number;
}

/** A moment by both clocks. */
export interface Mark {
  readonly now: number;
  readonly elapsed: number;
}

export function mark(clock: Clock): Mark {
  return { now: clock.now(), elapsed: clock.elapsed() };
}

/**
 * Milliseconds since a mark, by the clock that says more. For leases, which must not be held too long: one clock may be set
 * back, and the other stops while the machine is suspended.
 */
export function sinceMark(clock: Clock, { now, elapsed }: Mark): number {
  return Math.max(clock.now() - now, clock.elapsed() - elapsed);
}

/** Most milliseconds that a timer of Node waits; one that is to wait longer fires at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (milliseconds, callback) => timeout(milliseconds, callback, (timer) => timer.unref()),
};

/** The same clock, but its timers keep the process alive: for a stop, which has to come to its end. */
export const awakeClock: Clock = {
  ...systemClock,
  after: (milliseconds, callback) => timeout(milliseconds, callback, () => {}),
};

/** A number from 0 to 1 for a pause that is to differ from that of others. */
export function jitterOf(clock: Clock): number {
  return clock.jitter?.() ?? Math.random();
}

/** Calls back again and again, `milliseconds` after the last time; the returned function ends it. */
export function every(clock: Clock, milliseconds: number, callback: () => void): () => void {
  let cancel: () => void;
  const wait = () => {
    cancel = clock.after(milliseconds, () => {
      wait();
      callback();
    });
  };
  wait();
  return () => cancel();
}

function timeout(milliseconds: number, callback: () => void, made: (timer: NodeJS.Timeout) => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    timer = left > MAX_TIMEOUT ? setTimeout(wait, MAX_TIMEOUT, left - MAX_TIMEOUT) : setTimeout(callback, left);
    made(timer);
  };
  wait(milliseconds);
  return () => clearTimeout(timer);
}
