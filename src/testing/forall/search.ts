import fc from 'fast-check';
import type { Invariant } from '../../config/hold-schema.ts';
import { type JudgedInvariant, type Violation, violationIn } from './judges.ts';
import type { Observed } from './observed.ts';
import { messagesOut } from './output-invariants.ts';
import type { InputStep } from './plan.ts';

/** Runs the steps from a fresh start, until everything is done. */
export type RunSteps = (steps: readonly InputStep[]) => Promise<Observed>;

export interface SearchOptions {
  readonly plans: fc.Arbitrary<readonly InputStep[]>;
  readonly judges: readonly JudgedInvariant[];
  readonly run: RunSteps;
  readonly runs: number;
  readonly seed: number;
}

export interface Found {
  readonly steps: readonly InputStep[];
  readonly violation: Violation;
  /** Which run it was, from 1. */
  readonly run: number;
  /** How often it was made smaller. */
  readonly shrinks: number;
}

export interface Searched {
  readonly found?: Found;
  /** Invariants on outputs, where no run had one. */
  readonly unjudged: readonly Invariant[];
}

/** Tries to make a counterexample smaller, at most: the smallest so far is then reported. */
const MAX_TRIES = 2_000;

class Broken extends Error {
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(violation.message);
    this.violation = violation;
  }
}

/** Looks for the smallest input that breaks an invariant. The same seed gives the same result. */
export async function search({ plans, judges, run, runs, seed }: SearchOptions): Promise<Searched> {
  let outputs = 0;
  let triesLeft = MAX_TRIES;
  let isFound = false;
  const property = fc.asyncProperty(plans, async (steps) => {
    if (isFound && triesLeft-- <= 0) return;
    const observed = await run(steps);
    outputs += messagesOut(observed).length;
    const violation = await violationIn(observed, judges);
    if (violation === undefined) return;
    isFound = true;
    throw new Broken(violation);
  });
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: false });
  if (!details.failed)
    return { unjudged: outputs === 0 ? judges.map(({ invariant }) => invariant).filter(isOnOutputs) : [] };
  const { errorInstance, counterexample, numRuns, numShrinks } = details;
  if (!(errorInstance instanceof Broken) || counterexample === null) throw errorInstance;
  const [steps] = counterexample;
  const smaller = await withoutSteps(steps, errorInstance.violation, { judges, run });
  return { found: { ...smaller, run: numRuns, shrinks: numShrinks + smaller.removed }, unjudged: [] };
}

function isOnOutputs({ name }: Invariant): boolean {
  return name === 'expression' || name === 'output_schema';
}

/** Leaves out each step that is not needed. fast-check removes messages together with what is in front of them. */
async function withoutSteps(
  all: readonly InputStep[],
  first: Violation,
  { judges, run }: Pick<SearchOptions, 'judges' | 'run'>,
): Promise<{ readonly steps: readonly InputStep[]; readonly violation: Violation; readonly removed: number }> {
  const same = judges.filter(({ invariant }) => invariant === first.invariant);
  let [steps, violation] = [all, first];
  for (let at = steps.length - 1; at >= 0 && steps.length > 1; at -= 1) {
    const fewer = steps.toSpliced(at, 1);
    if (!fewer.some((step) => 'message' in step)) continue;
    const still = await violationIn(await run(fewer), same);
    if (still !== undefined) [steps, violation] = [fewer, still];
  }
  return { steps, violation, removed: all.length - steps.length };
}
