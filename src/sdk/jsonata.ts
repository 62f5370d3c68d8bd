import jsonata from 'jsonata';
import { asTidegateError, reasonOf } from '../core/errors.ts';
import { writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { checkJsonata } from './jsonata-checks.ts';
import { rootsOf } from './roots.ts';
import { after, textOf, type Value } from './value.ts';

/** Compiles what is not a mere path. Throws an Error that says what is wrong with it. */
export function compileJsonata(source: string): Value {
  const compiled = parse(source);
  const { reads, doubts } = checkJsonata(source, compiled.ast());
  const evaluate = (message: Message): Promise<unknown> => {
    const value = compiled.evaluate(rootsOf(message)).catch((error: unknown) => {
      throw asTidegateError(error, 'TG_EXPRESSION_FAILED', source);
    });
    // If several expressions are evaluated and one throws at once, nothing waits for the others.
    value.catch(() => {});
    return value;
  };
  return {
    isSynchronous: false,
    reads,
    doubts,
    evaluate,
    text: (message) => after(evaluate(message), textOf),
    json: (message) => after(evaluate(message), writeJson),
  };
}

function parse(source: string): jsonata.Expression {
  try {
    return jsonata(source);
  } catch (error) {
    throw new Error(`${source} is not a JSONata expression: ${reasonOf(error)}`);
  }
}
