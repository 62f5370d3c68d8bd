import { compileExpression, type Expression } from '../../sdk/expression.ts';

/** `"*"` in an expectation: any value that is there. */
export class AnyValue {
  readonly text = '*';
}

/** `"${! expr }"` in an expectation: a condition over the whole message, which has to be true. */
export class Condition {
  readonly expression: Expression;

  /** Throws an Error that says what is wrong with the expression. */
  constructor(expression: Expression) {
    this.expression = expression;
  }
}

/** JSON with `AnyValue` and `Condition` in it, where a text of the file was one. */
export type Pattern =
  | AnyValue
  | Condition
  | string
  | number
  | boolean
  | null
  | readonly Pattern[]
  | { readonly [name: string]: Pattern };

/** A mistake in an expectation, and where in it. */
export interface PatternMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What an expectation of the file means; mistakes are added to `mistakes`. */
export function compilePattern(
  value: unknown,
  mistakes: PatternMistake[],
  path: readonly (string | number)[] = [],
): Pattern {
  if (typeof value === 'string') return patternOfText(value, mistakes, path);
  if (Array.isArray(value)) return value.map((item, at) => compilePattern(item, mistakes, [...path, at]));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, compilePattern(inner, mistakes, [...path, name])]),
    );
  return (value ?? null) as Pattern;
}

function patternOfText(text: string, mistakes: PatternMistake[], path: readonly (string | number)[]): Pattern {
  if (text === '*') return new AnyValue();
  if (!text.includes('${!')) return text;
  try {
    if (!IS_ONE_EXPRESSION.test(text))
      throw new Error(`"${text}" has text beside its expression; write one condition, such as "\${! json.total > 3 }"`);
    const expression = compileExpression(text.trim());
    if (expression.reads.length === 0)
      throw new Error(`"${text}" reads nothing of the message, so it is the same for every message`);
    return new Condition(expression);
  } catch (error) {
    mistakes.push({ path, message: (error as Error).message });
    return text;
  }
}

const IS_ONE_EXPRESSION = /^\s*\$\{!(?:(?!\$\{!)[\s\S])*\}\s*$/;

export function isPatternList(pattern: Pattern): pattern is readonly Pattern[] {
  return Array.isArray(pattern);
}
