import type { Doubt } from './value.ts';

/*
 * JSONata and values that are not there: `=` and `!=` are false, other comparisons and functions give no value, and so does
 * $not of those. A condition takes no value for no.
 */

/** A node of JSONata's syntax tree, as far as it is looked at. */
export interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly steps?: readonly Node[];
  readonly lhs?: unknown;
  readonly rhs?: unknown;
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
  readonly stages?: readonly Node[];
}

/** Roots that every message has, as far as there is something to compare. */
const ALWAYS = new Set(['text', 'topic', 'partition', 'offset', 'timestamp']);
/** Fields of `meta` that only some messages have. */
export const OPTIONAL_META: ReadonlySet<string> = new Set(['tombstone', 'gap', 'cursor', 'token']);
/** What gives true or false, whatever is missing. */
const DECIDED = new Set(['=', '!=', 'and', 'or', 'in']);
/** The function that is there to ask whether something is missing. */
const EXISTS = 'exists';

/** What its author may not have meant by a node, where a value is missing that the expression does not ask for. */
export function doubtsAbout(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  if (node.type === 'binary' && node.value === '!=') return unequal(node, guarded);
  if (node.type === 'binary' && node.value === '&') return joined(node, guarded);
  if (isCall(node, 'not')) return negated(node, guarded);
  return [];
}

/** Paths that an expression asks for by $exists. */
export function guardedBy(node: Node): string[] {
  return isCall(node, EXISTS) ? (node.arguments ?? []).map(written) : [];
}

export function isCall({ type, procedure }: Node, name: string): boolean {
  return type === 'function' && procedure?.type === 'variable' && procedure.value === name;
}

function unequal(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  const missing = missingIn(node.lhs, guarded) ?? missingIn(node.rhs, guarded);
  if (missing === undefined) return [];
  const [left, right] = [written(node.lhs), written(node.rhs)];
  return [
    {
      severity: 'warning',
      message: `${left} != ${right} is false where ${missing} is missing, as JSONata has it; write $not(${left} = ${right}) if such a message is meant too, or $exists(${missing}) and ${left} != ${right} if it is not`,
    },
  ];
}

function joined(node: Node, guarded: ReadonlySet<string>): Doubt[] {
  return [node.lhs, node.rhs].flatMap((side): Doubt[] => {
    const missing = missingIn(side, guarded);
    if (missing === undefined) return [];
    const message = `& joins an empty text where ${missing} is missing; write text around \${! ${missing} } if there is to be no value then`;
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
      message: `$not(${what}) has no value where ${missing} is missing, and no value means no; write ${instead} if such a message is meant too`,
    },
  ];
}

/** A path without which a value is missing, unless the expression asks for it. */
function missingIn(node: unknown, guarded: ReadonlySet<string>): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  const { type, steps, arguments: inputs, lhs, rhs } = node as Node;
  if (type === 'path')
    return steps !== undefined && isOpen(steps) && !guarded.has(written(node)) ? written(node) : undefined;
  if (type === 'function') {
    if (isCall(node as Node, EXISTS)) return undefined;
    return inputs?.map((input) => missingIn(input, guarded)).find((missing) => missing !== undefined);
  }
  if (type === 'binary' && !DECIDED.has(String((node as Node).value)) && (node as Node).value !== '&')
    return missingIn(lhs, guarded) ?? missingIn(rhs, guarded);
  return undefined;
}

/** Whether a message, or whatever the names are read from, may be without it. */
function isOpen(steps: readonly Node[]): boolean {
  const [first, second] = steps;
  if (first?.type === 'variable') return steps.length > 1;
  if (first?.type !== 'name') return false;
  const root = String(first.value);
  if (root === 'meta') return OPTIONAL_META.has(String(second?.value));
  return !ALWAYS.has(root);
}

/** A node as it may be written; what is more than a path, a call or a value is left out. */
function written(node: unknown): string {
  if (typeof node !== 'object' || node === null) return '...';
  const { type, value, steps, arguments: inputs, procedure } = node as Node;
  switch (type) {
    case 'path':
      return (steps ?? []).map(step).join('.');
    case 'function':
      return `$${String(procedure?.value)}(${(inputs ?? []).map(written).join(', ')})`;
    case 'binary':
      return `${written((node as Node).lhs)} ${String(value)} ${written((node as Node).rhs)}`;
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
