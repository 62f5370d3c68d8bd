import type { Change } from '../../config/difference/difference.ts';

/*
 * What a program and the admin port see of a reload. The type is public, so it is kept apart from the code that fills it in.
 */

/** How a reload ended. All but `applied` left everything as it was. */
export type ReloadResult = 'applied' | 'unchanged' | 'invalid' | 'refused' | 'failed';

/** What asked for it: `tidegate run --watch`, SIGHUP, POST /-/reload, or the program. */
export type ReloadCause = 'watch' | 'signal' | 'request' | 'program';

/** A reload; plain data, ready for JSON. */
export interface ReloadReport {
  /** Counts from 1. */
  readonly reload: number;
  /** Of the configuration that holds after it; 1 is that of the start. */
  readonly generation: number;
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly cause: ReloadCause;
  readonly result: ReloadResult;
  /** The difference as text: `pipelines.in changed (batch.count 500 -> 100); 2 others unchanged`. */
  readonly summary: string;
  readonly changes: readonly Change[];
  /** Parts that stay as they are. */
  readonly unchanged: number;
  /** What waits for the log, and is done once that is back. */
  readonly waiting: readonly string[];
  /** Why nothing was changed; where it was applied, what was given up. */
  readonly problems: readonly string[];
}
