/** A node of the syntax tree of JSONata 2.2, as far as it is read or changed here. The steps of a path are nodes, too. */
export interface Node {
  type?: string;
  value?: unknown;
  position?: number;
  /** Of a path. */
  steps?: Node[];
  /** Of a binary operator or a binding. */
  lhs?: unknown;
  rhs?: unknown;
  /** Of a function call; `arguments` of a lambda are its parameters. */
  procedure?: Node;
  arguments?: Node[];
  body?: Node;
  /** Of a block, or of a list in brackets. */
  expressions?: Node[];
  /** Of `-` in front of a value. */
  expression?: Node;
  /** Of `condition ? then : else`. */
  condition?: Node;
  then?: Node;
  else?: Node;
  /** Of `^( )`. */
  terms?: { readonly descending: boolean; readonly expression: Node }[];
  /** `[ ]` behind a step, and behind anything else. */
  stages?: Node[];
  predicate?: unknown;
  /** `{ }` behind a path. */
  group?: unknown;
  /** Bindings by `@`, `#` and `%`. */
  focus?: unknown;
  index?: unknown;
  tuple?: unknown;
  /** `[]` behind a step: the result is a list even if it has one item. */
  keepSingletonArray?: boolean;
  keepArray?: boolean;
  /** Evaluated once, and not for each item of its context. */
  consarray?: boolean;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** Whether a node calls the function `$name`. */
export function isCall({ type, procedure }: Node, name: string): boolean {
  return type === 'function' && procedure?.type === 'variable' && procedure.value === name;
}

/** The fields of a node that calls the function `$name`. */
export function callOf(name: string, inputs: Node[]) {
  return { type: 'function', value: '(', procedure: { type: 'variable', value: name }, arguments: inputs };
}
