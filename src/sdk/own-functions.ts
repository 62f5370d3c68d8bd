import type jsonata from 'jsonata';
import { isNode, type Node } from './jsonata-tree.ts';

/** A function that JSONata does not have, for the expressions of certain settings. */
export interface OwnFunction {
  /** As JSONata has it (https://docs.jsonata.org/embedding-extending). */
  readonly signature: string;
  /** Throws an Error that says what is wrong and shows no secret. */
  readonly implementation: (...inputs: (string | undefined)[]) => string | undefined;
  /** Throws an Error for a call that can never work. */
  readonly check: (inputs: readonly (Node | undefined)[]) => void;
}

/** By their names, without the `$`. */
export type OwnFunctions = Readonly<Record<string, OwnFunction>>;

/** Throws an Error for a call that can never work. `tree`: before its limits rewrite it. */
export function registerOwnFunctions(compiled: jsonata.Expression, functions: OwnFunctions): void {
  checkCalls(compiled.ast(), functions);
  for (const [name, { implementation, signature }] of Object.entries(functions))
    compiled.registerFunction(name, (...inputs) => implementation(...inputs), signature);
}

function checkCalls(node: unknown, functions: OwnFunctions): void {
  if (!isNode(node)) return;
  const { type, procedure, arguments: inputs = [] } = node;
  if (type === 'function' && procedure?.type === 'variable') functions[String(procedure.value)]?.check(inputs);
  for (const inner of Object.values(node)) checkCalls(inner, functions);
}
