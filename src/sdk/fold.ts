import { TidegateError } from '../core/errors.ts';
import { ExactNumber, parseExact, writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { quoteValue } from '../core/quote.ts';
import { GIVE_UP } from './compiled-expression/computation.ts';
import { compileProgram, valueAtOnce } from './jsonata.ts';
import { isRoot, rootsOf } from './roots.ts';
import { after, type Doubt, type Read } from './value.ts';

/** Characters of JSON that a state may have: it is one of as many as there are keys. */
const MAX_STATE = 65_536;

export interface Folded {
  readonly value: unknown;
  /** Characters of it as JSON. */
  readonly size: number;
}

/** An expression that makes the next state of what is so far, as `state`, and a message. */
export interface Fold {
  readonly text: string;
  readonly reads: readonly Read[];
  readonly doubts: readonly Doubt[];
  /**
   * At once where the expression is compiled. The state stays as it is where the expression has no value. Throws, or rejects
   * with, TG_EXPRESSION_FAILED or TG_STATE_FULL.
   */
  evaluate(message: Message, state: Folded): Folded | Promise<Folded>;
}

/** Compiles `${! state + json.amount }`. Throws an Error that says what is wrong. */
export function compileFold(text: string): Fold {
  const [, source] = /^\s*\$\{!([\s\S]*)\}\s*$/.exec(text) ?? [];
  if (source === undefined || source.trim() === '')
    throw new Error(`"${text}" is not one expression; write "\${! state + json.amount }"`);
  // The state that is computed with: a computation ends before anything else runs.
  let current: unknown;
  const { reads, doubts, compute, run } = compileProgram(source.trim(), (name) => name === 'state' || isRoot(name), {
    others: { state: () => current },
  });
  const nextOf = (value: unknown, state: Folded) => (value === undefined ? state : foldedOf(value, text));
  return {
    text,
    reads: reads.map((read) => ({ ...read, isWithinText: false })),
    doubts,
    evaluate: (message, state) => {
      current = state.value;
      const value = valueAtOnce(compute, message);
      if (value !== GIVE_UP) return nextOf(value, state);
      // Beside the getters of the other roots, which are not read for it.
      return after(run(Object.assign(rootsOf(message), { state: state.value })), (found) => nextOf(found, state));
    },
  };
}

/** A state of its own, which shares nothing with a message. Throws TG_EXPRESSION_FAILED or TG_STATE_FULL. `text`: of the expression. */
export function foldedOf(value: unknown, text: string): Folded {
  const json = writeJson(value) ?? 'null';
  if (json.length > MAX_STATE)
    throw new TidegateError('TG_STATE_FULL', `${quoteValue(text)} gives a state of more than ${MAX_STATE} characters`);
  if (isRounded(value))
    throw new TidegateError(
      'TG_EXPRESSION_FAILED',
      `${quoteValue(text)} gives a whole number above 2^53, which may be rounded; keep smaller ones, or text`,
    );
  return { value: parseExact(json), size: json.length };
}

/** Digits that came are an ExactNumber there; what was computed is not, and may have lost some. */
function isRounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return false;
  return Object.values(value).some(isRounded);
}
