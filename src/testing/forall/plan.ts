import fc from 'fast-check';
import type { Fault, FaultStep } from '../../config/schema/forall-schema.ts';
import type { InputMessage } from '../simulation/messages.ts';

/** A step of a test's input. Messages that follow each other come in at once. */
export type InputStep =
  | { readonly message: InputMessage }
  /** Milliseconds that pass. */
  | { readonly after: number }
  | { readonly fault: FaultStep };

export interface PlanOptions {
  readonly messages: fc.Arbitrary<InputMessage>;
  readonly min: number;
  readonly max: number;
  readonly faults: readonly Fault[];
  /** Longest time between two messages, in milliseconds. */
  readonly time: number;
}

/** Pauses that find something: within a batch's period, beyond it, beyond retries and timeouts. */
export const PAUSES = [1, 10, 100, 1_000, 5_000, 30_000, 60_000];

/** Messages with time and faults between them and behind them. A plan shrinks to fewer messages, smaller ones, and fewer events. */
export function plans({ messages, min, max, faults, time }: PlanOptions): fc.Arbitrary<readonly InputStep[]> {
  const pauses = [...PAUSES.filter((pause) => pause <= time), ...(PAUSES.includes(time) ? [] : [time])];
  const pass = fc.constantFrom(...pauses).map((after): InputStep => ({ after }));
  const events =
    faults.length === 0 ? pass : fc.oneof({ weight: 3, arbitrary: faultSteps(faults) }, { weight: 2, arbitrary: pass });
  const none = fc.constant<readonly InputStep[]>([]);
  const some = fc.array(events, { minLength: 1, maxLength: 2 });
  const between = fc.oneof({ withCrossShrink: true }, { weight: 2, arbitrary: none }, { weight: 1, arbitrary: some });
  return fc
    .tuple(
      fc.array(fc.tuple(between, messages), { minLength: min, maxLength: max, size: 'max' }),
      fc.array(events, { maxLength: 2 }),
    )
    .map(([slots, last]) => [...slots.flatMap(([before, message]) => [...before, { message }]), ...last]);
}

function faultSteps(faults: readonly Fault[]): fc.Arbitrary<InputStep> {
  const steps: FaultStep[] = faults.flatMap((fault) => (fault === 'link_down' ? [fault, 'link_up'] : [fault]));
  return fc.constantFrom(...steps).map((fault): InputStep => ({ fault }));
}
