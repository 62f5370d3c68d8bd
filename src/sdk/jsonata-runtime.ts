import type { Budget } from './budget.ts';

/*
 * What JSONata 2.2 has in its environment while it evaluates, as far as it is used here: its own types do not have it.
 */

/** The environment of one evaluation. */
export interface Base {
  depth: number;
  budget: Budget;
  guardrails: (this: Base) => void;
  createSequence: (...first: unknown[]) => unknown[];
  RegexEngine: unknown;
  bind(name: string | symbol, value: unknown): void;
}

/** `this` of a function that JSONata calls. */
export interface Focus {
  readonly environment: { readonly base: { readonly budget: Budget } };
  /** The context in which the function is called. */
  readonly input: unknown;
  createSequence(...first: readonly unknown[]): unknown[];
}

/** The name of a function that JSONata calls, and awaits, before each step. */
export const ENTRY = Symbol.for('jsonata.__evaluate_entry');

/** An error as functions of JSONata throw it: JSONata adds the message for the code. */
export function coded(code: string, facts: object = {}): { readonly code: string } {
  return { code, ...facts };
}
