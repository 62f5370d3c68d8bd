import { ExactNumber, numberOf } from '../core/exact-number.ts';
import { ROOTS } from './roots.ts';
import type { Doubt, Read } from './value.ts';

/** A node of the syntax tree, as far as it is looked at. */
interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly steps?: readonly Node[];
  readonly lhs?: unknown;
  readonly rhs?: unknown;
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
}

export interface Checked {
  readonly reads: readonly Pick<Read, 'path'>[];
  readonly doubts: readonly Doubt[];
}

/**
 * Finds in a syntax tree of JSONata what would never work: unknown functions, variables and roots, which JSONata takes
 * for missing values, and numbers that it would round. Throws an Error for the first of them; what may be meant is a
 * doubt.
 */
export function checkJsonata(source: string, tree: unknown): Checked {
  const check = new Check(source);
  check.collectVariables(tree);
  check.visit(tree, true);
  return check;
}

/** The functions of JSONata 2.2 (https://docs.jsonata.org), for which it has no list of its own. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  `abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent
  distinct each encodeUrl encodeUrlComponent error eval exists filter floor formatBase formatInteger formatNumber
  fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger power
  random reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter
  substringBefore sum toMillis trim type uppercase zip`.split(/\s+/),
);

class Check implements Checked {
  readonly reads: { readonly path: readonly string[] }[] = [];
  readonly doubts: Doubt[] = [];
  private readonly source: string;
  private readonly variables = new Set<string>();
  /** Paths that the expression asks for by $exists. */
  private readonly guarded = new Set<string>();

  constructor(source: string) {
    this.source = source;
  }

  /** Names that the expression gives itself: `$x := ...`, `function($x)`, `@$x` and `#$x`. */
  collectVariables(node: unknown): void {
    if (typeof node !== 'object' || node === null) return;
    const { type, lhs, arguments: parameters, focus, index } = node as Node & { focus?: unknown; index?: unknown };
    const binds = [type === 'bind' ? lhs : undefined, ...(type === 'lambda' ? (parameters ?? []) : [])];
    for (const bound of binds) this.variables.add(String((bound as Node | undefined)?.value));
    for (const name of [focus, index]) if (typeof name === 'string') this.variables.add(name);
    if (isCall(node as Node, 'exists'))
      for (const argument of (node as Node).arguments ?? []) this.guarded.add(namesOf(argument)?.join('.') ?? '');
    for (const inner of Object.values(node)) this.collectVariables(inner);
  }

  /** `isAtRoot`: whether names here are those of the message, not of something within it. */
  visit(node: unknown, isAtRoot: boolean): void {
    if (Array.isArray(node)) {
      for (const inner of node) this.visit(inner, isAtRoot);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    this.checkNode(node as Node);
    if ((node as Node).type === 'path') this.visitPath(node as Node, isAtRoot);
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
    if (!(ROOTS as readonly string[]).includes(root))
      throw new Error(`"${this.source}" reads ${root}; a message has ${ROOTS.join(', ')}`);
    this.reads.push({ path: [root, ...path] });
  }

  private checkNode(node: Node): void {
    if (node.type === 'number') this.checkNumber(node);
    if (node.type === 'variable') this.checkVariable(String(node.value));
    if (node.type === 'function' && node.procedure?.type === 'path') this.checkProcedure(node.procedure);
    if (node.type === 'binary' && node.value === '!=') this.checkUnequal(node);
    if (node.type === 'binary' && node.value === '&') this.checkJoined(node);
  }

  private checkNumber({ position = 0 }: Node): void {
    const digits = /[\d.]+(?:[eE][+-]?\d+)?$/.exec(this.source.slice(0, position))?.[0] ?? '0';
    if (numberOf(digits) instanceof ExactNumber)
      throw new Error(
        `"${this.source}" has the number ${digits}, which JSONata would round; compare a path alone with a text instead`,
      );
  }

  private checkVariable(name: string): void {
    // $ is the context, $$ the message.
    if (name === '' || name === '$' || this.variables.has(name) || FUNCTIONS.has(name)) return;
    throw new Error(
      `"${this.source}" uses $${name}, but JSONata has no such function and the expression sets no such variable`,
    );
  }

  private checkProcedure(procedure: Node): void {
    const name = namesOf(procedure)?.[0];
    if (name !== undefined && FUNCTIONS.has(name))
      throw new Error(`"${this.source}" calls ${name}, which is a field here; the function is $${name}`);
  }

  /** JSONata: a comparison with a missing value is false, `!=` too. */
  private checkUnequal({ lhs, rhs }: Node): void {
    for (const side of [lhs, rhs]) {
      const path = missingPath(side);
      if (path === undefined || this.guarded.has(path)) continue;
      this.doubts.push({
        severity: 'warning',
        message: `"${this.source}" is false where ${path} is missing, as JSONata has it; write $not(${path} = ...) if such a message is meant too, or $exists(${path}) and ... if it is not`,
      });
      return;
    }
  }

  private checkJoined({ lhs, rhs }: Node): void {
    for (const side of [lhs, rhs]) {
      const path = missingPath(side);
      if (path === undefined || this.guarded.has(path)) continue;
      this.doubts.push({
        severity: 'note',
        message: `"${this.source}" joins an empty text where ${path} is missing; write it as text around \${! ${path} } if there is to be no value then`,
      });
    }
  }
}

const OPEN = new Set(['json', 'headers', 'headers_all']);

/** The fields of a payload and the headers, of which a message may have none. */
function missingPath(node: unknown): string | undefined {
  const names = namesOf(node);
  const isOpen = names !== undefined && names.length > 1 && OPEN.has(names[0] as string);
  return isOpen ? names.join('.') : undefined;
}

/** Names that a path begins with. */
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

function isCall({ type, procedure }: Node, name: string): boolean {
  return type === 'function' && procedure?.type === 'variable' && procedure.value === name;
}
