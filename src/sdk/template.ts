import { isDeepStrictEqual } from 'node:util';
import { ExactNumber } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { compileCondition, compileExpression, type Expression } from './expression.ts';
import { exactJsonOf } from './roots.ts';

/**
 * Text that is made from a message at once; undefined where there is nothing to say, as a value is missing. Throws
 * TG_EXPRESSION_FAILED.
 */
export interface Template {
  (message: Message): string | undefined;
  readonly expressions: readonly Expression[];
}

/** Whether a message is meant. Never throws: a message that cannot be looked at is not meant. */
export interface Matcher {
  (message: Message): boolean | Promise<boolean>;
  readonly expressions: readonly Expression[];
}

/**
 * Compiles text, or an object or list that becomes JSON, with `${! path }` in its texts. A text that is one path alone
 * is the value itself inside JSON; without a value its field is left out. Numbers keep the digits that came. Throws an
 * Error that says what is wrong.
 */
export function compileTemplate(source: unknown): Template {
  const expressions: Expression[] = [];
  if (typeof source !== 'string') return Object.assign(compileJson(source, expressions), { expressions });
  const expression = compilePathExpression(source, expressions);
  return Object.assign((message: Message) => textIn(expression, message), { expressions });
}

/**
 * Compiles an expression that is true for what is meant, or an object whose fields the message's JSON must have.
 * Throws an Error that says what is wrong.
 */
export function compileMatcher(source: unknown): Matcher {
  if (typeof source !== 'string')
    return Object.assign((message: Message) => includes(valueIn(message), source), { expressions: [] });
  const expression = compileCondition(source);
  const matches = (message: Message) => {
    try {
      const verdict = expression.evaluate(message);
      return verdict instanceof Promise ? verdict.then(Boolean, () => false) : Boolean(verdict);
    } catch {
      return false;
    }
  };
  return Object.assign(matches, { expressions: [expression] });
}

/** An expression without JSONata, whose value is there at once. */
function compilePathExpression(text: string, expressions: Expression[]): Expression {
  const expression = compileExpression(text);
  if (!expression.isSynchronous)
    throw new Error(`${text} needs JSONata; only paths such as \${! json.id } can be used here, with text around them`);
  expressions.push(expression);
  return expression;
}

/** An expression of paths answers at once: what it gives is not a promise. */
type AtOnce = string | undefined;

/** The value as text, an object as JSON. */
function textIn(expression: Expression, message: Message): string | undefined {
  const value = expression.evaluate(message);
  const isJson = typeof value === 'object' && value !== null && !(value instanceof ExactNumber);
  return (isJson ? expression.evaluateJson(message) : expression.evaluateText(message)) as AtOnce;
}

function compileJson(source: unknown, expressions: Expression[]): (message: Message) => string | undefined {
  if (typeof source === 'string') {
    const expression = compilePathExpression(source, expressions);
    return (message) => expression.evaluateJson(message) as AtOnce;
  }
  if (Array.isArray(source)) {
    const items = source.map((item) => compileJson(item, expressions));
    return (message) => `[${items.map((item) => item(message) ?? 'null').join(',')}]`;
  }
  if (typeof source !== 'object' || source === null) {
    const constant = JSON.stringify(source);
    return () => constant;
  }
  const fields = Object.entries(source).map(
    ([name, value]) => [JSON.stringify(name), compileJson(value, expressions)] as const,
  );
  return (message) => `{${fields.flatMap(([name, value]) => field(name, value(message))).join(',')}}`;
}

function field(name: string, json: string | undefined): string[] {
  return json === undefined ? [] : [`${name}:${json}`];
}

function valueIn(message: Message): unknown {
  try {
    return exactJsonOf(message);
  } catch {
    return undefined;
  }
}

/** Whether `value` has all that `part` has: fields of objects may be more, everything else is equal. */
function includes(value: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return isDeepStrictEqual(value, part);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(part).every(
    ([name, wanted]) => Object.hasOwn(value, name) && includes((value as Record<string, unknown>)[name], wanted),
  );
}
