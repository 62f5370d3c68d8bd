import type { ErrorCode } from '../../core/errors.ts';
import { reasonOf } from '../../core/errors.ts';
import type { HoldExpression } from '../../sdk/hold-expression.ts';
import type { SchemaCheck } from '../../sdk/schema-check.ts';
import type { Judge } from './delivery-invariants.ts';
import { namedInput, type Observed, type ObservedOutput, shown } from './observed.ts';

export function deadLettersOnlyFor(codes: readonly ErrorCode[]): Judge {
  return (observed) => {
    for (const output of observed.outputs) {
      const code = output.headers['tidegate-error-code'] ?? '';
      if (!output.isDeadLetter || (codes as readonly string[]).includes(code)) continue;
      const why = output.headers['tidegate-error-message'] ?? '';
      return `${fromInput(observed, output)} became a dead letter with ${code}: ${shown(why)}`;
    }
    return undefined;
  };
}

export function outputFits(check: SchemaCheck): Judge {
  return (observed) => {
    for (const output of messagesOut(observed)) {
      const json = jsonOf(output);
      const mistakes = json === undefined ? 'it is not JSON' : check.mistakesIn(json, false);
      if (mistakes !== undefined) return `${described(observed, output)} does not fit output_schema: ${mistakes}`;
    }
    return undefined;
  };
}

/** Dead letters are not judged; nor are outputs of an unknown origin, where the expression reads `input`. */
export function expressionHolds(expression: HoldExpression): (observed: Observed) => Promise<string | undefined> {
  return async (observed) => {
    for (const output of messagesOut(observed)) {
      if (expression.readsInput && output.origin === undefined) continue;
      const why = await whyNot(expression, observed, output);
      if (why !== undefined) return `${described(observed, output)}: ${why}`;
    }
    return undefined;
  };
}

async function whyNot(
  expression: HoldExpression,
  observed: Observed,
  output: ObservedOutput,
): Promise<string | undefined> {
  const { key, headers, topic, origin } = output;
  const input = origin === undefined ? undefined : jsonOfInput(observed, origin);
  try {
    const isTrue = await expression.isTrueFor({ output: jsonOf(output), input, key, headers, topic });
    return isTrue ? undefined : `${expression.text} is not true`;
  } catch (error) {
    return `${expression.text} fails: ${reasonOf(error)}`;
  }
}

/** All that came out, but dead letters and records without a value. */
export function messagesOut({ outputs }: Observed): readonly ObservedOutput[] {
  return outputs.filter(({ isDeadLetter, payload }) => !isDeadLetter && payload !== null);
}

function jsonOf({ payload }: ObservedOutput): unknown {
  return parsed(payload?.toString() ?? '');
}

function jsonOfInput({ inputs }: Observed, index: number): unknown {
  const message = inputs[index]?.message;
  if (message === undefined) return undefined;
  return 'json' in message ? message.json : parsed(message.text ?? '');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function described(observed: Observed, output: ObservedOutput): string {
  const { topic, payload } = output;
  const origin = output.origin === undefined ? '' : `, from ${namedInput(observed, output.origin)}`;
  return `the output ${shown(payload?.toString() ?? 'without a value')} in ${topic}${origin}`;
}

function fromInput(observed: Observed, output: ObservedOutput): string {
  if (output.origin !== undefined) return namedInput(observed, output.origin);
  return `a message (${shown(output.payload?.toString() ?? 'without a value')})`;
}
