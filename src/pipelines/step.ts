import type { Processor } from '../core/component.ts';
import type { ProcessorMetrics } from './processor-metrics.ts';

/** What becomes of a message that fails for good at a processor, in place of what its pipeline or an enclosing `try` does. */
export const ON_ERROR = ['skip', 'dead_letter', 'fail'] as const;
export type OnError = (typeof ON_ERROR)[number];

interface Placed {
  /** Where it is in the configuration of its pipeline, as `processors[0].filter`; its label where it has one. */
  readonly place?: string;
  readonly onError?: OnError | undefined;
  readonly metrics?: ProcessorMetrics | undefined;
}

/** A processor with what its pipeline knows of it. */
export interface ProcessorStep extends Processor, Placed {}

/** Steps to try, and those for messages that fail in them. */
export interface TryStep extends Placed {
  readonly attempt: readonly Step[];
  readonly rescue: readonly Step[];
}

export type Step = ProcessorStep | TryStep;

export function isTry(step: Step): step is TryStep {
  return 'attempt' in step;
}

/** All processors of some steps, also those within `try` and `catch`. */
export function processorsOf(steps: readonly Step[]): ProcessorStep[] {
  return steps.flatMap((step) =>
    isTry(step) ? [...processorsOf(step.attempt), ...processorsOf(step.rescue)] : [step],
  );
}
