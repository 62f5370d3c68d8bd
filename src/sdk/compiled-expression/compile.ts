import { isNode, type Node } from '../jsonata-tree.ts';
import { type Computation, finite, GIVE_UP, MAX_NODES } from './computation.ts';
import { compileList, compileObject, type Field, type Item } from './constructors.ts';
import { truthOf } from './conversions.ts';
import { compileCall } from './functions.ts';
import { OPERATORS } from './operators.ts';
import { compileNames, type OtherRoots } from './paths.ts';

/**
 * Compiles the syntax tree of JSONata to functions of JavaScript, which answer at once; undefined where a part of it is none
 * of those that are known here. `tree`: as JSONata gives it, before it is rewritten. `others`: names that a path may begin
 * with beside those of a message.
 */
export function compileTree(tree: unknown, others: OtherRoots = {}): Computation | undefined {
  return new Compiler(others).compile(tree);
}

/** The fields of each type of node. One with another field, such as the stages of a step, means something else. */
const FIELDS: Readonly<Partial<Record<string, ReadonlySet<string>>>> = {
  string: new Set(['value']),
  number: new Set(['value']),
  value: new Set(['value']),
  name: new Set(['value']),
  variable: new Set(['value']),
  path: new Set(['steps']),
  binary: new Set(['value', 'lhs', 'rhs']),
  unary: new Set(['value', 'lhs', 'expressions', 'expression']),
  condition: new Set(['condition', 'then', 'else']),
  block: new Set(['expressions']),
  function: new Set(['value', 'name', 'arguments', 'procedure']),
};

function isKnown(node: Node): boolean {
  const fields = FIELDS[String(node.type)];
  if (fields === undefined) return false;
  return Object.entries(node).every(
    ([name, value]) => fields.has(name) || name === 'type' || name === 'position' || value === undefined,
  );
}

class Compiler {
  private readonly others: OtherRoots;
  private nodes = 0;

  constructor(others: OtherRoots) {
    this.others = others;
  }

  compile(node: unknown): Computation | undefined {
    this.nodes += 1;
    if (this.nodes > MAX_NODES || !isNode(node) || !isKnown(node)) return undefined;
    const { value } = node;
    switch (node.type) {
      case 'string':
      case 'number':
      case 'value':
        return () => value;
      case 'path':
        return this.path(node.steps ?? []);
      case 'binary':
        return this.binary(node);
      case 'unary':
        return this.unary(node);
      case 'condition':
        return this.condition(node);
      case 'block':
        return node.expressions?.length === 1 ? this.compile(node.expressions[0]) : undefined;
      case 'function':
        return this.call(node);
      default:
        return undefined;
    }
  }

  /** undefined where one of them is not known. */
  private all(nodes: readonly unknown[]): Computation[] | undefined {
    const compiled: Computation[] = [];
    for (const node of nodes) {
      const computation = this.compile(node);
      if (computation === undefined) return undefined;
      compiled.push(computation);
    }
    return compiled;
  }

  private path(steps: readonly Node[]): Computation | undefined {
    if (!steps.every((step) => step.type === 'name' && isKnown(step))) return undefined;
    return compileNames(
      steps.map(({ value }) => String(value)),
      this.others,
    );
  }

  private binary({ value, lhs, rhs }: Node): Computation | undefined {
    const operator = OPERATORS[String(value)];
    const [left, right] = this.all([lhs, rhs]) ?? [];
    return operator && left && right && operator(left, right);
  }

  private unary({ value, lhs, expressions, expression }: Node): Computation | undefined {
    if (value === '{') return this.object(lhs as readonly (readonly Node[])[]);
    if (value === '[') return this.list(expressions ?? []);
    const operand = this.compile(expression);
    return operand && ((message) => negative(operand(message)));
  }

  private object(pairs: readonly (readonly Node[])[]): Computation | undefined {
    const fields: Field[] = [];
    for (const [key, value] of pairs) {
      const compute = this.compile(value);
      if (compute === undefined || key?.type !== 'string' || !isKnown(key)) return undefined;
      fields.push({ name: String(key.value), compute });
    }
    return compileObject(fields);
  }

  private list(nodes: readonly Node[]): Computation | undefined {
    const items = this.all(nodes)?.map((compute, at): Item => ({ compute, isList: nodes[at]?.value === '[' }));
    return items && compileList(items);
  }

  private condition(node: Node): Computation | undefined {
    const [test, positive, negative = () => undefined] =
      this.all([node.condition, node.then, ...(node.else === undefined ? [] : [node.else])]) ?? [];
    if (test === undefined || positive === undefined) return undefined;
    return (message) => {
      const truth = truthOf(test(message));
      if (truth === GIVE_UP) return GIVE_UP;
      return truth === true ? positive(message) : negative(message);
    };
  }

  private call({ procedure, arguments: inputs = [] }: Node): Computation | undefined {
    if (procedure?.type !== 'variable' || !isKnown(procedure)) return undefined;
    const compiled = this.all(inputs);
    return compiled && compileCall(String(procedure.value), compiled);
  }
}

function negative(value: unknown): unknown {
  if (value === undefined) return undefined;
  return typeof value === 'number' ? finite(-value) : GIVE_UP;
}
