import { Breach } from './breach.ts';
import type { LawClock } from './law-clock.ts';

/** Milliseconds of real time that anything asynchronous may take, unless the options say otherwise. */
export const TIMEOUT = 2_000;

/** Most milliseconds of a component's own clock that are let pass for it: a day of pauses and retries. */
const LONGEST = 86_400_000;

/** Lets promises that are due settle, however long their chain. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits for what a component promised, while its clock goes on as far as it has timers. Throws a Breach when that has not
 * ended after `timeout` milliseconds of real time, or when only its clock would go on for more than a day.
 */
export async function ending<T>(
  promised: T | Promise<T>,
  { clock, timeout = TIMEOUT }: { readonly clock: LawClock; readonly timeout?: number | undefined },
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
  while (!isOver) {
    await turn();
    if (isOver) break;
    if (performance.now() > deadline || clock.elapsed() > last)
      throw new Breach(
        `${what} has not ended after ${timeout} ms`,
        'give everything that you wait for a time limit, such as AbortSignal.timeout, and reject when it has passed',
      );
    clock.toNextTimer();
  }
  return promised;
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
