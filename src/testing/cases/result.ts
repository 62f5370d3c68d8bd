import type { Place } from '../../config/tests/load-tests.ts';

/** Something that is not as a test expects. */
export interface Failure {
  /** Within the test: `output.orders[0].json.total`; empty for the test itself. */
  readonly path: string;
  readonly place: Place;
  /** What was expected and what came, or one sentence. */
  readonly what: { readonly expected: string; readonly got: string } | { readonly sentence: string };
  /** Lines that are printed as they are: the counterexample of a property. */
  readonly details?: string;
}

/** What became of one test. */
export interface TestResult {
  readonly name: string;
  readonly place: Place;
  readonly milliseconds: number;
  /** Empty: it passed. */
  readonly failures: readonly Failure[];
}

/** The tests of one configuration. */
export interface FileResult {
  readonly file: string;
  readonly results: readonly TestResult[];
  /** Why nothing of it could be run; undefined: it could. */
  readonly invalid?: string;
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly invalid: number;
}

export function totalsOf(files: readonly FileResult[]): Totals {
  const results = files.flatMap((file) => file.results);
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const invalid = files.filter((file) => file.invalid !== undefined).length;
  return { passed: results.length - failed, failed, invalid };
}

/** `expected 5, got 6`, or the sentence. */
export function sentenceOf({ what }: Failure): string {
  return 'sentence' in what ? what.sentence : `expected ${what.expected}, got ${what.got}`;
}
