import { type JudgedInvariant, type Violation, violationIn } from './judges.ts';
import type { Observed } from './observed.ts';
import { type InputStep, PAUSES } from './plan.ts';

/** Runs the steps from a fresh start, until everything is done. */
export type RunSteps = (steps: readonly InputStep[]) => Promise<Observed>;

interface Broken {
  readonly steps: readonly InputStep[];
  readonly violation: Violation;
  /** How often it was made smaller. */
  readonly shrinks: number;
}

/**
 * Leaves out each step that is not needed, and makes pauses shorter, while the same invariant is broken. fast-check removes
 * messages together with what is in front of them, and knows no order of pauses.
 */
export async function smallestOf(
  steps: readonly InputStep[],
  violation: Violation,
  { judges, run }: { readonly judges: readonly JudgedInvariant[]; readonly run: RunSteps },
): Promise<Broken> {
  const same = judges.filter(({ invariant }) => invariant === violation.invariant);
  let smallest: Broken = { steps, violation, shrinks: 0 };
  for (let at = steps.length - 1; at >= 0; at -= 1) {
    for (const candidate of candidatesAt(smallest.steps, at)) {
      const still = await violationIn(await run(candidate), same);
      if (still === undefined) continue;
      smallest = { steps: candidate, violation: still, shrinks: smallest.shrinks + 1 };
      break;
    }
  }
  return smallest;
}

/** Without the step, or with a shorter pause, the smallest first. */
function candidatesAt(steps: readonly InputStep[], at: number): (readonly InputStep[])[] {
  const step = steps[at];
  const without = steps.toSpliced(at, 1);
  const fewer = without.some((other) => 'message' in other) ? [without] : [];
  if (step === undefined || !('after' in step)) return fewer;
  const shorter = PAUSES.filter((pause) => pause < step.after).map((after) => steps.with(at, { after }));
  return [...fewer, ...shorter];
}
