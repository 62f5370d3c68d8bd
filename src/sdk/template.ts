import { isDeepStrictEqual } from 'node:util';
import type { Message } from '../core/message.ts';
import { compileCondition, type Expression } from './expression.ts';
import { exactJsonOf } from './roots.ts';
import { together } from './template-value.ts';

/** Whether a message matches. Never throws: a message that cannot be evaluated does not match. */
export interface Matcher {
  (message: Message): boolean | Promise<boolean>;
  readonly expressions: readonly Expression[];
}

/**
 * Compiles an expression that is true for a match, or an object whose fields the message's JSON must have.
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

/** A text, or an object or list that becomes JSON, compiled. A missing value may leave no text, which is undefined. */
export interface TextTemplate {
  /** In the order of the text, object or list. */
  readonly expressions: readonly Expression[];
  /** Evaluates all of them: at once where each of them answers at once. */
  readonly make: (message: Message) => string | undefined | Promise<string | undefined>;
  /** The same where all are synchronous: without a list of values, and only up to one whose absence leaves no text. */
  readonly makeAtOnce: (message: Message) => string | undefined;
}

/**
 * Compiles text, or an object or list that becomes JSON. In JSON, a text that is one expression alone becomes the value itself.
 * A field of an object is left out if its value is missing, unless `needsAll`. A value that is missing anywhere else leaves no
 * text: in a list, the items behind it would change places. Numbers keep all their digits. Throws an Error.
 */
export function compileTextTemplate(
  source: unknown,
  compile: (text: string) => Expression,
  needsAll: boolean,
): TextTemplate {
  const expressions: Expression[] = [];
  const isText = typeof source === 'string';
  const evaluate = (expression: Expression, message: Message) =>
    isText ? expression.evaluateInText(message) : expression.evaluateJson(message);
  const leaf = (text: string): Maker => {
    const expression = compile(text);
    const at = expressions.push(expression) - 1;
    return (message, found) => (found === undefined ? evaluate(expression, message) : found[at]) as string | undefined;
  };
  const build = isText ? leaf(source) : jsonMaker(source, leaf, needsAll);
  return {
    expressions,
    make: (message) =>
      together(
        expressions.map((each) => evaluate(each, message)),
        (found) => build(message, found),
      ),
    makeAtOnce: (message) => build(message),
  };
}

/** `found`: the values of all expressions; undefined if each is to be evaluated where it is needed. */
type Maker = (message: Message, found?: readonly unknown[]) => string | undefined;

/** Makes JSON of an object or list. `leaf` compiles a text in it, to what gives its JSON. */
function jsonMaker(source: unknown, leaf: (text: string) => Maker, needsAll: boolean): Maker {
  if (typeof source === 'string') {
    const make = leaf(source);
    return (message, found) => valued(make(message, found));
  }
  if (Array.isArray(source)) return listMaker(source.map((item) => jsonMaker(item, leaf, needsAll)));
  if (typeof source === 'object' && source !== null) {
    const fields = Object.entries(source).map(([name, value]) => ({
      name: JSON.stringify(name),
      make: jsonMaker(value, leaf, needsAll),
      mayBeLeftOut: !needsAll && typeof value === 'string',
    }));
    return objectMaker(fields);
  }
  const constant = JSON.stringify(source);
  return () => constant;
}

/** null is a missing value, as in a text. */
function valued(json: string | undefined): string | undefined {
  return json === 'null' ? undefined : json;
}

function listMaker(items: readonly Maker[]): Maker {
  return (message, found) => {
    const made: string[] = [];
    for (const item of items) {
      const json = item(message, found);
      if (json === undefined) return undefined;
      made.push(json);
    }
    return `[${made.join(',')}]`;
  };
}

interface Field {
  /** As JSON. */
  readonly name: string;
  readonly make: Maker;
  readonly mayBeLeftOut: boolean;
}

function objectMaker(fields: readonly Field[]): Maker {
  return (message, found) => {
    const made: string[] = [];
    for (const { name, make, mayBeLeftOut } of fields) {
      const json = make(message, found);
      if (json !== undefined) made.push(`${name}:${json}`);
      else if (!mayBeLeftOut) return undefined;
    }
    return `{${made.join(',')}}`;
  };
}

function valueIn(message: Message): unknown {
  try {
    return exactJsonOf(message);
  } catch {
    return undefined;
  }
}

/** Whether `value` contains `part`: objects may have more fields, everything else must be equal. */
function includes(value: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return isDeepStrictEqual(value, part);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(part).every(
    ([name, wanted]) => Object.hasOwn(value, name) && includes((value as Record<string, unknown>)[name], wanted),
  );
}
