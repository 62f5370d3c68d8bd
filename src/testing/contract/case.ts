import type { Log } from '../../core/log.ts';
import type { LogUnderTest, Scope } from './fixture.ts';

/** What a case gets: the open log, and a place for what is to be done when it has ended. */
export interface CaseContext extends Scope {
  readonly log: Log;
  readonly under: LogUnderTest;
  /** Called when the case has ended, the last one first. */
  after(cleanUp: () => unknown): void;
  /** The log cannot do what the case needs. */
  skip(why: string): void;
}

/** Adds a case to its suite. */
export type Register = (title: string, run: (t: CaseContext) => Promise<void>) => void;

/** One thing that a log has to keep to. */
export interface LogCase {
  /** Names of its suite, the outer one first: `['a group', 'with state that is rebuilt by reading again']`. */
  readonly suite: readonly string[];
  readonly title: string;
  /** It closes its log: it has one of its own, whatever the other cases share. */
  readonly closesLog: boolean;
  /** How many cases of the suite may run at a time: most of them wait for a broker. */
  readonly concurrency: number;
  /** Resolves once it has passed; with a reason where it was skipped. Rejects with what the log does not keep to. */
  run(): Promise<string | undefined>;
}
