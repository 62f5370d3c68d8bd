import { type Finding, failing, type Path } from '../problem/problem.ts';
import type { Fault, FaultStep } from '../schema/forall-schema.ts';
import type { Invariant } from '../schema/hold-schema.ts';
import type { PipelineConfig } from '../schema/schema.ts';

/** A test with `hold`: what may go wrong in it, by `forall` or by steps of its input, and what has to hold all the same. */
export interface HeldTest {
  readonly faults: readonly FaultStep[];
  readonly hold: readonly Invariant[];
  readonly pipeline: Pick<PipelineConfig, 'exactly_once' | 'on_error'>;
}

/** Faults after which a message may be written, or read, again. */
const REPEATING: readonly FaultStep[] = ['crash', 'duplicate'] satisfies Fault[];

/** Invariants that cannot hold with the faults of their test, and those that can never fail. `path`: of `hold`. */
export function lintHold(test: HeldTest, path: Path): Finding[] {
  return test.hold.flatMap((invariant, at) => {
    const mistake = mistakeIn(invariant, test);
    return mistake === undefined ? [] : [failing([...path, at], mistake)];
  });
}

function mistakeIn(invariant: Invariant, { faults, pipeline }: HeldTest): string | undefined {
  switch (invariant.name) {
    case 'no_duplicates': {
      const fault = faults.find((one) => REPEATING.includes(one));
      if (fault === undefined || pipeline.exactly_once) return undefined;
      return `no_duplicates cannot hold with the fault ${fault}: the pipeline writes at least once, so what it is not sure of is written again; leave the fault out, or give the pipeline exactly_once: true`;
    }
    case 'no_loss': {
      const { skip, dead_letter } = pipeline.on_error;
      if (!skip || dead_letter !== undefined) return undefined;
      return 'no_loss cannot hold with on_error.skip: true, by which messages that fail are skipped; add on_error.dead_letter';
    }
    case 'dead_letters_only_for': {
      if (pipeline.on_error.dead_letter === undefined)
        return 'dead_letters_only_for can never fail: the pipeline has no on_error.dead_letter';
      if (!faults.includes('sink_refuses') || invariant.codes.includes('TG_RECORD_REFUSED')) return undefined;
      return 'dead_letters_only_for cannot hold with the fault sink_refuses, which makes dead letters with TG_RECORD_REFUSED; add this code';
    }
    default:
      return undefined;
  }
}
