import { isDeepStrictEqual } from 'node:util';
import { Message } from '../core/message.ts';
import { compileExpression, type Expression } from './expression.ts';

/** Text that is made from a message at once; undefined where there is nothing to say. Throws TG_EXPRESSION_FAILED. */
export type Template = (message: Message) => string | undefined;

/** Whether a message is meant. Never throws: a message that cannot be looked at is not meant. */
export type Matcher = (message: Message) => boolean | Promise<boolean>;

/**
 * Compiles text, or an object or list that becomes JSON, with `${! path }` in its texts. A text that is one path alone
 * keeps the type of its value inside JSON; without a value its field is left out. Throws an Error that says what is
 * wrong.
 */
export function compileTemplate(source: unknown): Template {
  if (typeof source === 'string') {
    const expression = compilePathExpression(source);
    return (message) => textOf(expression.evaluate(message));
  }
  const make = compileJson(source);
  return (message) => JSON.stringify(make(message));
}

/**
 * Compiles an expression that is true for what is meant, or an object whose fields the message's JSON must have.
 * Throws an Error that says what is wrong.
 */
export function compileMatcher(source: unknown): Matcher {
  if (typeof source !== 'string') return (message) => includes(jsonOf(message), source);
  if (!source.includes('${!'))
    throw new Error(`"${source}" is true for everything; write an expression such as "\${! json.type = 'ready' }"`);
  const expression = compileExpression(source);
  return (message) => {
    try {
      const verdict = expression.evaluate(message);
      return verdict instanceof Promise ? verdict.then(Boolean, () => false) : Boolean(verdict);
    } catch {
      return false;
    }
  };
}

/** An expression without JSONata, whose value is there at once. */
function compilePathExpression(text: string): Expression {
  const expression = compileExpression(text);
  if (isAsynchronous(expression))
    throw new Error(`${text} needs JSONata; only paths such as \${! json.id } can be used here, with text around them`);
  return expression;
}

/** A path answers at once or throws; JSONata gives a promise for any message. */
function isAsynchronous(expression: Expression): boolean {
  try {
    const value = expression.evaluate(new Message(Buffer.from('{}')));
    if (!(value instanceof Promise)) return false;
    value.catch(() => {});
    return true;
  } catch {
    return false;
  }
}

function compileJson(source: unknown): (message: Message) => unknown {
  if (typeof source === 'string') {
    const expression = compilePathExpression(source);
    return (message) => expression.evaluate(message);
  }
  if (Array.isArray(source)) {
    const items = source.map(compileJson);
    return (message) => items.map((item) => item(message));
  }
  if (typeof source !== 'object' || source === null) return () => source;
  const fields = Object.entries(source).map(([name, value]) => [name, compileJson(value)] as const);
  return (message) => Object.fromEntries(fields.map(([name, value]) => [name, value(message)]));
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function jsonOf(message: Message): unknown {
  try {
    return message.json;
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
