import type { RootDatabase } from 'lmdb';

/** What lmdb's writer says when a round of writing ends: 0 to 2 are its own signals, anything else is an error. */
type Ended = (status: number) => unknown;
const HIGHEST_SIGNAL = 2;

/** A field of lmdb that has no public name; lmdb is pinned, and a test fails when it moves. */
interface Internals {
  readonly env: { startWriting(address: number, ended: Ended): void };
}

/**
 * Keeps lmdb from printing the error of a transaction, with its stack, on standard error: the caller that asked for the
 * transaction gets the error, and logs it.
 */
export function quietWrites(root: RootDatabase): void {
  const { env } = root as unknown as Internals;
  const startWriting = env.startWriting.bind(env);
  const quiet = (address: number, ended: Ended) =>
    startWriting(address, (status) =>
      status > HIGHEST_SIGNAL || status < 0 ? silently(ended, status) : ended(status),
    );
  // Where it comes from it is read-only, so that it cannot be assigned.
  Object.defineProperty(env, 'startWriting', { value: quiet });
}

function silently(ended: Ended, status: number): unknown {
  const print = console.error;
  console.error = () => {};
  try {
    return ended(status);
  } finally {
    console.error = print;
  }
}
