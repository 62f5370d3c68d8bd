import jsonata from 'jsonata';
import { asTidegateError, reasonOf, TidegateError } from '../core/errors.ts';
import { ExactNumber, writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { checkJsonata } from './jsonata-checks.ts';
import { isFunction, registerExactFunctions } from './jsonata-functions.ts';
import { quotable } from './quotable.ts';
import { rootsOf } from './roots.ts';
import { after, textOf, type Value } from './value.ts';

/** Compiles what is not a mere path. Throws an Error that says what is wrong with it. */
export function compileJsonata(source: string): Value {
  const compiled = parse(source);
  const { reads, doubts } = checkJsonata(source, compiled.ast());
  registerExactFunctions(compiled);
  const evaluate = (message: Message): Promise<unknown> => {
    const value = compiled.evaluate(rootsOf(message)).then(
      (result: unknown) => checked(result, source),
      (error: unknown) => {
        throw asTidegateError(reasonIn(error), 'TG_EXPRESSION_FAILED', source);
      },
    );
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

/** What has no text and no JSON is a mistake, not null. */
function checked(result: unknown, source: string): unknown {
  if (isFunction(result))
    throw new TidegateError('TG_EXPRESSION_FAILED', `${source} gives a function; call it by its name and ( )`);
  if (typeof result === 'number' && !Number.isFinite(result))
    throw new TidegateError('TG_EXPRESSION_FAILED', `${source} gives ${result}, which JSON cannot express`);
  return result;
}

/** JSONata takes a number that a double cannot hold for an object, and says that a number is due. */
function reasonIn(error: unknown): unknown {
  const { value } = (error ?? {}) as { readonly value?: unknown };
  const long = (Array.isArray(value) ? value : [value]).find((one) => one instanceof ExactNumber);
  return long instanceof ExactNumber ? long.refusal() : error;
}

function parse(source: string): jsonata.Expression {
  try {
    return jsonata(source);
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : reasonOf(error);
    throw new Error(`${quotable(source)} is not a JSONata expression: ${why}`);
  }
}
