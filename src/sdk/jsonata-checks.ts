import { ExactNumber, numberOf } from '../core/exact-number.ts';
import { quoteValue } from '../core/quote.ts';
import { isNode, type Node } from './jsonata-tree.ts';
import { doubtsAbout, guardedBy } from './missing-values.ts';
import { ROOTS } from './roots.ts';
import type { Doubt, Read } from './value.ts';

export interface Checked {
  readonly reads: readonly Pick<Read, 'path'>[];
  readonly doubts: readonly Doubt[];
}

/** Whether an expression may begin with a name. */
type IsRoot = (name: string) => boolean;

/**
 * Finds mistakes in a syntax tree of JSONata: unknown functions, variables and roots, which JSONata treats as missing
 * values, and numbers that it would round. Throws an Error for the first mistake; what may be meant is a doubt. `own`: functions
 * that it has here beside those of JSONata.
 */
export function checkJsonata(source: string, tree: unknown, isRoot: IsRoot, own: ReadonlySet<string>): Checked {
  const check = new Check(source, isRoot, own);
  check.collectVariables(tree);
  check.visit(tree, true);
  return check;
}

/** The functions of JSONata 2.2 (https://docs.jsonata.org), which does not export a list; without $eval, whose text cannot be checked. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  `abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent
  distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber
  fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger power
  random reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter
  substringBefore sum toMillis trim type uppercase zip`.split(/\s+/),
);

class Check implements Checked {
  readonly reads: { readonly path: readonly string[] }[] = [];
  readonly doubts: Doubt[] = [];
  private readonly source: string;
  private readonly isRoot: IsRoot;
  private readonly own: ReadonlySet<string>;
  /** As it is quoted in errors. */
  private readonly shown: string;
  private readonly variables = new Set<string>();
  /** Paths that the expression tests by $exists. */
  private readonly guarded = new Set<string>();

  constructor(source: string, isRoot: IsRoot, own: ReadonlySet<string>) {
    this.source = source;
    this.isRoot = isRoot;
    this.own = own;
    this.shown = quoteValue(source);
  }

  /** Collects the names that the expression binds: `$x := ...`, `function($x)`, `@$x` and `#$x`. */
  collectVariables(node: unknown): void {
    if (!isNode(node)) return;
    const { type, lhs, arguments: parameters, focus, index } = node;
    const binds = [type === 'bind' ? lhs : undefined, ...(type === 'lambda' ? (parameters ?? []) : [])];
    for (const bound of binds) this.variables.add(String((bound as Node | undefined)?.value));
    for (const name of [focus, index]) if (typeof name === 'string') this.variables.add(name);
    for (const path of guardedBy(node)) this.guarded.add(path);
    for (const inner of Object.values(node)) this.collectVariables(inner);
  }

  /** `isAtRoot`: whether names are fields of the message, not of a value within it. */
  visit(node: unknown, isAtRoot: boolean): void {
    if (Array.isArray(node)) {
      for (const inner of node) this.visit(inner, isAtRoot);
      return;
    }
    if (!isNode(node)) return;
    this.checkNode(node);
    if (node.type === 'path') this.visitPath(node, isAtRoot);
    else for (const inner of Object.values(node)) this.visit(inner, isAtRoot);
  }

  private visitPath({ steps = [], ...rest }: Node, isAtRoot: boolean): void {
    const [first, ...others] = steps;
    if (first?.type === 'name') {
      if (isAtRoot) this.readPath(steps);
      const { value: _, ...within } = first;
      this.visit(Object.values(within), false);
    } else this.visit(first, isAtRoot);
    this.visit(others, false);
    this.visit(Object.values(rest), false);
  }

  private readPath(steps: readonly Node[]): void {
    const [root = '', ...path] = namesOf({ type: 'path', steps }) ?? [];
    if (!this.isRoot(root))
      throw new Error(
        `"${this.shown}" reads ${root}; a message has ${ROOTS.join(', ')}, and a name with other characters than letters, digits and _ needs backquotes`,
      );
    this.reads.push({ path: [root, ...path] });
  }

  private checkNode(node: Node): void {
    if (node.type === 'number') this.checkNumber(node);
    if (node.type === 'variable') this.checkVariable(String(node.value));
    if (node.type === 'function' && node.procedure?.type === 'path') this.checkProcedure(node.procedure);
    this.doubts.push(...doubtsAbout(node, this.guarded));
  }

  private checkNumber({ position = 0 }: Node): void {
    const digits = /[\d.]+(?:[eE][+-]?\d+)?$/.exec(this.source.slice(0, position))?.[0] ?? '0';
    if (numberOf(digits) instanceof ExactNumber)
      throw new Error(
        `"${this.shown}" has the number ${digits}, which JSONata would round; compare text instead: $string(json.id) = '${digits}'`,
      );
  }

  private checkVariable(name: string): void {
    // $ is the context, $$ the message.
    if (name === '' || name === '$' || this.variables.has(name) || FUNCTIONS.has(name) || this.own.has(name)) return;
    if (name === 'eval')
      throw new Error(
        `"${this.shown}" uses $eval, which is switched off: it would run text of messages as an expression; write what it should compute instead`,
      );
    throw new Error(
      `"${this.shown}" uses $${name}, but JSONata has no such function and the expression sets no such variable`,
    );
  }

  private checkProcedure(procedure: Node): void {
    const name = namesOf(procedure)?.[0];
    if (name !== undefined && FUNCTIONS.has(name))
      throw new Error(`"${this.shown}" calls ${name}, which is a field here; the function is $${name}`);
  }
}

/** The names at the beginning of a path. */
function namesOf(node: unknown): string[] | undefined {
  const { type, steps } = (node ?? {}) as Node;
  if (type !== 'path' || steps === undefined) return undefined;
  const names: string[] = [];
  for (const step of steps) {
    if (step.type !== 'name') break;
    names.push(String(step.value));
  }
  return names.length === 0 ? undefined : names;
}
