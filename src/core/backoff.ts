export interface BackoffOptions {
  /** First pause in milliseconds. */
  readonly initial: number;
  /** Longest pause in milliseconds. */
  readonly max: number;
}

/**
 * The pause before try `attempt` (1, 2, ...): doubling from `initial` to `max`, of which the upper half is random, so
 * that many clients that failed together do not reconnect together.
 */
export function backoffDelay(
  attempt: number,
  { initial, max }: BackoffOptions,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(max, initial * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
