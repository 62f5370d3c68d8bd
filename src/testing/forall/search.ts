import fc from 'fast-check';
import type { Invariant } from '../../config/schema/hold-schema.ts';
import { type JudgedInvariant, type Violation, violationIn } from './judges.ts';
import { messagesOut } from './output-invariants.ts';
import type { InputStep } from './plan.ts';
import { type RunSteps, smallestOf } from './smallest.ts';

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
  const smallest = await smallestOf(steps, errorInstance.violation, { judges, run });
  return { found: { ...smallest, run: numRuns, shrinks: numShrinks + smallest.shrinks }, unjudged: [] };
}

function isOnOutputs({ name }: Invariant): boolean {
  return name === 'expression' || name === 'output_schema';
}
