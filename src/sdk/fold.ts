import { TidegateError } from '../core/errors.ts';
import { ExactNumber, parseExact, writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { quoteValue } from '../core/quote.ts';
import { compileProgram } from './jsonata.ts';
import { isRoot, rootsOf } from './roots.ts';
import type { Doubt, Read } from './value.ts';

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
  /** The state stays as it is where the expression has no value. Rejects with TG_EXPRESSION_FAILED or TG_STATE_FULL. */
  evaluate(message: Message, state: Folded): Promise<Folded>;
}

/** Compiles `${! state + json.amount }`. Throws an Error that says what is wrong. */
export function compileFold(text: string): Fold {
  const [, source] = /^\s*\$\{!([\s\S]*)\}\s*$/.exec(text) ?? [];
  if (source === undefined || source.trim() === '')
    throw new Error(`"${text}" is not one expression; write "\${! state + json.amount }"`);
  const { reads, doubts, run } = compileProgram(source.trim(), (name) => name === 'state' || isRoot(name));
  return {
    text,
    reads: reads.map((read) => ({ ...read, isWithinText: false })),
    doubts,
    evaluate: async (message, state) => {
      // Beside the getters of the other roots, which are not read for it.
      const next = await run(Object.assign(rootsOf(message), { state: state.value }));
      return next === undefined ? state : foldedOf(next, text);
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
