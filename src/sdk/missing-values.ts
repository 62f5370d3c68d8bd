import { isCall, isNode, type Node } from './jsonata-tree.ts';
import type { Doubt } from './value.ts';

/*
 * How JSONata treats missing values: `=` and `!=` are false, other comparisons and functions have no value, and neither has
 * $not of those. A condition without a value is false.
 */

/** Roots that every message has, if it has a value at all. */
const ALWAYS = new Set(['text', 'topic', 'partition', 'offset', 'timestamp']);
/** Fields of `meta` that only some messages have. */
export const OPTIONAL_META: ReadonlySet<string> = new Set(['tombstone', 'gap', 'cursor', 'token', 'channel', 'method']);
/** Operators that give true or false even if a value is missing. */
const DECIDED = new Set(['=', '!=', 'and', 'or', 'in']);
/** The function that tests whether a value is missing. */
const EXISTS = 'exists';

/** What the author of a node may not have meant: the effect of a missing value that the expression does not test. */
export function doubtsAbout(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  if (node.type === 'binary' && node.value === '!=') return unequal(node, guarded);
  if (node.type === 'binary' && node.value === '&') return joined(node, guarded);
  if (isCall(node, 'not')) return negated(node, guarded);
  return [];
}

/** Paths that an expression tests by $exists. */
export function guardedBy(node: Node): string[] {
  return isCall(node, EXISTS) ? (node.arguments ?? []).map(written) : [];
}

function unequal(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  const missing = missingIn(node.lhs, guarded) ?? missingIn(node.rhs, guarded);
  if (missing === undefined) return [];
  const [left, right] = [written(node.lhs), written(node.rhs)];
  return [
    {
      severity: 'warning',
      message: `${left} != ${right} is false if ${missing} is missing, as always in JSONata; write $not(${left} = ${right}) if such a message is meant too, or $exists(${missing}) and ${left} != ${right} if it is not`,
    },
  ];
}

function joined(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  return [node.lhs, node.rhs].flatMap((side): Doubt[] => {
    const missing = missingIn(side, guarded);
    if (missing === undefined) return [];
    const message = `& joins an empty text if ${missing} is missing; write text around \${! ${missing} } if the result should then have no value`;
    return [{ severity: 'note', message }];
  });
}

function negated({ arguments: [argument] = [] }: Node, guarded: ReadonlySet<string>): Doubt[] {
  if (argument === undefined || (argument.type === 'binary' && DECIDED.has(String(argument.value)))) return [];
  const missing = missingIn(argument, guarded);
  if (missing === undefined) return [];
  const what = written(argument);
  const instead = argument.type === 'path' ? `$not(${what} = true)` : `${what} ? false : true`;
  return [
    {
      severity: 'warning',
      message: `$not(${what}) has no value if ${missing} is missing, and no value means false; write ${instead} if such a message is meant too`,
    },
  ];
}

/** A path that may be missing and leaves the node without a value, unless the expression tests it. */
function missingIn(node: unknown, guarded: ReadonlySet<string>): string | undefined {
  if (!isNode(node)) return undefined;
  const { type, value, steps, arguments: inputs, lhs, rhs } = node;
  if (type === 'path')
    return steps !== undefined && isOpen(steps) && !guarded.has(written(node)) ? written(node) : undefined;
  if (type === 'function') {
    if (isCall(node, EXISTS)) return undefined;
    return inputs?.map((input) => missingIn(input, guarded)).find((missing) => missing !== undefined);
  }
  if (type === 'binary' && !DECIDED.has(String(value)) && value !== '&')
    return missingIn(lhs, guarded) ?? missingIn(rhs, guarded);
  return undefined;
}

/** Whether the path may be missing. */
function isOpen(steps: readonly Node[]): boolean {
  const [first, second] = steps;
  if (first?.type === 'variable') return steps.length > 1;
  if (first?.type !== 'name') return false;
  const root = String(first.value);
  if (root === 'meta') return OPTIONAL_META.has(String(second?.value));
  return !ALWAYS.has(root);
}

/** The node as text; anything but paths, calls, operators and values is shown as `...`. */
function written(node: unknown): string {
  if (!isNode(node)) return '...';
  const { type, value, steps, arguments: inputs, procedure, lhs, rhs } = node;
  switch (type) {
    case 'path':
      return (steps ?? []).map(step).join('.');
    case 'function':
      return `$${String(procedure?.value)}(${(inputs ?? []).map(written).join(', ')})`;
    case 'binary':
      return `${written(lhs)} ${String(value)} ${written(rhs)}`;
    case 'string':
      return JSON.stringify(value).replace(/^"(.*)"$/, "'$1'");
    case 'number':
    case 'value':
      return String(value);
    default:
      return '...';
  }
}

function step({ type, value, stages }: Node): string {
  const name = type === 'name' ? quoted(String(value)) : type === 'variable' ? `$${String(value)}` : '...';
  return stages === undefined ? name : `${name}[...]`;
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``;
}
