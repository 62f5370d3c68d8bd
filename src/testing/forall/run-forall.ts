import { randomInt } from 'node:crypto';
import type { ForallSettings } from '../../config/schema/forall-schema.ts';
import type { Invariant } from '../../config/schema/hold-schema.ts';
import { reasonOf, TidegateError } from '../../core/errors.ts';
import { entryOf, writtenInvariant } from './entry.ts';
import { judgesOf, schemaOf, sentenceOf } from './judges.ts';
import { messagesOf } from './messages.ts';
import { plans } from './plan.ts';
import { type Found, search } from './search.ts';
import type { RunSteps } from './smallest.ts';

/** An entry of `tests:` with `forall`. */
export interface ForallTest {
  readonly name: string;
  readonly pipeline: string;
  readonly forall: ForallSettings;
  readonly hold: readonly Invariant[];
}

export interface ForallOptions {
  readonly run: RunSteps;
  /** Where files of schemas are: that of the YAML file. */
  readonly directory: string;
  /** In place of the seed of the test. */
  readonly seed?: number | undefined;
}

export interface ForallResult {
  readonly isHeld: boolean;
  readonly seed: number;
  /** Runs that there were, up to the one that failed. */
  readonly runs: number;
  /** What was broken, and the smallest input that does so as an item of `tests:`. */
  readonly failure?: { readonly sentence: string; readonly entry?: string };
}

/**
 * Draws messages and faults, runs the pipeline with them and checks the invariants. Rejects with TG_CONFIG_INVALID where a
 * schema cannot be used, or no message fits it.
 */
export async function runForall(
  test: ForallTest,
  { run, directory, seed: given }: ForallOptions,
): Promise<ForallResult> {
  const { forall, hold } = test;
  const seed = given ?? forall.seed ?? randomInt(2 ** 31);
  const { messages, faults, time, runs } = forall;
  const arbitrary = messagesOf(forall, messageSchema(forall, directory));
  const steps = plans({ messages: arbitrary, ...messages, faults, time });
  const { found, unjudged } = await search({ plans: steps, judges: judgesOf(hold, directory), run, runs, seed });
  if (found !== undefined) return failed(test, found, seed);
  if (unjudged.length === 0) return { isHeld: true, seed, runs };
  const names = unjudged.map((invariant) => JSON.stringify(writtenInvariant(invariant))).join(' and ');
  const sentence = `none of the ${runs} runs had an output, so ${names} could not fail; check the schema and the processors`;
  return { isHeld: false, seed, runs, failure: { sentence } };
}

function messageSchema({ schema }: ForallSettings, directory: string): object {
  try {
    return schemaOf(schema, directory);
  } catch (error) {
    throw new TidegateError('TG_CONFIG_INVALID', reasonOf(error), error);
  }
}

function failed(test: ForallTest, { steps, violation, run, shrinks }: Found, seed: number): ForallResult {
  const { invariant } = violation;
  const { runs } = test.forall;
  const smaller = shrinks === 0 ? '' : `, made smaller ${shrinks} times`;
  const name = `${test.name} (seed ${seed})`;
  return {
    isHeld: false,
    seed,
    runs: run,
    failure: {
      sentence: `run ${run} of ${runs}${smaller} (seed ${seed}): ${sentenceOf(violation)}`,
      entry: entryOf({ name, pipeline: test.pipeline, steps, violated: invariant }),
    },
  };
}
