import type { TestClock } from '../simulation/test-clock.ts';
import { Breach } from './breach.ts';

/** Milliseconds of real time that anything asynchronous may take, unless the options say otherwise. */
export const TIMEOUT = 2_000;

/** Most milliseconds of a component's own clock that are let pass for it: a day of pauses and retries. */
const LONGEST = 86_400_000;

/** A machine that is busy with something else gives fewer turns in the time than a component needs. */
export const MIN_TURNS = 50;

/** Lets promises that are due settle, however long their chain. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits for what a component promised, while its clock goes on as far as it has timers. Throws a Breach when that has not
 * ended after `timeout` milliseconds of real time, or when only its clock would go on for more than a day.
 */
export async function ending<T>(
  promised: T | Promise<T>,
  { clock, timeout = TIMEOUT }: { readonly clock: TestClock; readonly timeout?: number | undefined },
  what: string,
): Promise<T> {
  if (!isPromise(promised)) return promised;
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  promised.then(over, over);
  const deadline = performance.now() + timeout;
  const last = clock.elapsed() + LONGEST;
  for (let turns = 0; !isOver; turns += 1) {
    await turn();
    if (isOver) break;
    if ((performance.now() > deadline && turns > MIN_TURNS) || clock.elapsed() > last)
      throw new Breach(
        `${what} has not ended after ${timeout} ms`,
        'give everything that you wait for a time limit, such as AbortSignal.timeout, and reject when it has passed',
      );
    toNextTimer(clock);
  }
  return promised;
}

/** Moves the clock to its next timer, which is called back, if there is one. */
export function toNextTimer(clock: TestClock): void {
  const { next } = clock;
  if (next !== undefined) clock.advance(next);
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
