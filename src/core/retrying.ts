import { type BackoffOptions, backoffDelay } from './backoff.ts';
import { type Clock, jitterOf } from './clock.ts';
import { asTidegateError, type TidegateError } from './errors.ts';
import { pause } from './waiting.ts';

export interface Retrying {
  readonly clock: Clock;
  readonly backoff: BackoffOptions;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** An attempt failed; false where another one cannot help. Left out, the error says it by `retryable`. */
  readonly failed?: (failure: TidegateError) => boolean;
}

/** Resolves after the pause before try `attempt`, see `backoffDelay`, or once `signal` is aborted. */
export function pauseBefore(
  attempt: number,
  backoff: BackoffOptions,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const delay = backoffDelay(attempt, backoff, () => jitterOf(clock));
  return pause(clock, delay, signal);
}

/**
 * What `attempt` resolves with, after as many attempts as it takes, with pauses that grow; undefined once it was aborted.
 * Rejects with the TidegateError of an attempt after which another cannot help.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { clock, backoff, signal, failed = ({ retryable }) => retryable }: Retrying,
): Promise<T | undefined> {
  for (let number = 1; !signal.aborted; number += 1) {
    try {
      return await attempt();
    } catch (error) {
      const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE');
      if (!failed(failure)) throw failure;
      await pauseBefore(number, backoff, clock, signal);
    }
  }
  return undefined;
}
