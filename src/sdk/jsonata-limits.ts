import type jsonata from 'jsonata';
import { boundFunctions } from './bounded-functions.ts';
import { Budget, LIMITS } from './budget.ts';
import { type Base, coded, ENTRY } from './jsonata-runtime.ts';
import { callOf, isCall, isNode, type Node } from './jsonata-tree.ts';
import { compileRegex, LinearRegex } from './linear-regex.ts';
import { orderByCalls } from './order-by.ts';

/** Options of JSONata: the longest list that it makes. */
export interface JsonataOptions {
  sequence: number;
}

/**
 * Limits the evaluations of an expression, see LIMITS. `options` are those that it was compiled with. Throws an Error for a
 * regular expression whose time cannot be limited.
 */
export function limit(compiled: jsonata.Expression, options: JsonataOptions): void {
  const found = { hasRegex: false, hasSort: false };
  rewrite(compiled.ast(), found);
  if (found.hasSort) options.sequence = LIMITS.sortedItems;
  boundFunctions(compiled);
  const createSequence = sequencesOf(options.sequence);
  const begin = (_expression: unknown, _input: unknown, { base }: { readonly base: Base }) => {
    const budget = new Budget();
    base.budget = budget;
    base.guardrails = step;
    base.createSequence = createSequence;
    // JSONata calls it with `new`.
    if (found.hasRegex)
      base.RegexEngine = function matching(regex: RegExp) {
        return new LinearRegex(regex, budget);
      };
    base.bind(ENTRY, undefined);
  };
  assign(compiled, ENTRY, begin);
}

/** As JSONata's own function, which creates a closure for each list. */
function sequencesOf(max: number): Base['createSequence'] {
  const push = function (this: unknown[], item: unknown): number {
    if (this.length >= max) throw coded('D2015', { value: max });
    this[this.length] = item;
    return this.length;
  };
  return (...first) => {
    const sequence: unknown[] & { sequence?: boolean } = [];
    sequence.push = push;
    sequence.sequence = true;
    if (first.length === 1) sequence.push(first[0]);
    return sequence;
  };
}

/** The types of JSONata allow only strings as names. */
function assign(compiled: jsonata.Expression, name: string | symbol, value: unknown): void {
  compiled.assign(name as string, value);
}

/** Before each step. */
function step(this: Base): void {
  this.budget.step(this.depth);
  if (this.budget.isTurnDue) this.bind(ENTRY, turn);
}

async function turn(_expression: unknown, _input: unknown, { base }: { readonly base: Base }): Promise<void> {
  base.bind(ENTRY, undefined);
  await new Promise((resolve) => setImmediate(resolve));
  base.budget.turned();
}

/** Replaces `&`, `*` and `^( )`, which JSONata does not limit, by calls of functions, and compiles regular expressions. */
function rewrite(node: unknown, found: { hasRegex: boolean; hasSort: boolean }): void {
  if (!isNode(node)) return;
  const { type, value } = node;
  if (type === 'regex') {
    compileRegex(value as RegExp);
    found.hasRegex = true;
    return;
  }
  if (type === 'path') orderByCalls(node);
  if (type === 'sort') found.hasSort = true;
  for (const inner of Object.values(node)) rewrite(inner, found);
  if (type === 'binary' && value === '&') makeJoin(node);
  if (type === 'wildcard') makeCall(node, '*', []);
}

/** `a & b & c` becomes one call with three texts. */
function makeJoin(node: Node): void {
  const { lhs, rhs } = node as { lhs: Node; rhs: Node };
  const isWhole = isCall(lhs, '&') && lhs.predicate === undefined && lhs.group === undefined;
  makeCall(node, '&', [...(isWhole ? (lhs.arguments ?? []) : [lhs]), rhs]);
}

function makeCall(node: Node, name: string, inputs: Node[]): void {
  Object.assign(node, callOf(name, inputs), { lhs: undefined, rhs: undefined });
}
