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

/** Makes text of a message: at once where each of its expressions answers at once. */
type EventualMaker = (message: Message) => string | undefined | Promise<string | undefined>;

/**
 * Compiles text, or an object or list that becomes JSON. In JSON, a text that is one expression alone becomes the value itself.
 * A field of an object is left out if its value is missing, unless `needsAll`. A value that is missing anywhere else leaves no
 * text: in a list, the items behind it would change places. Numbers keep all their digits. Throws an Error.
 */
export function eventualMaker(
  source: unknown,
  compile: (text: string) => Expression,
  needsAll: boolean,
): EventualMaker {
  const compiled: Expression[] = [];
  const leaf = (text: string) => {
    const at = compiled.push(compile(text)) - 1;
    return (found: readonly unknown[]) => found[at] as string | undefined;
  };
  const isText = typeof source === 'string';
  const build = isText ? leaf(source) : jsonMaker(source, leaf, needsAll);
  return (message) =>
    together(
      compiled.map((each) => (isText ? each.evaluateInText(message) : each.evaluateJson(message))),
      build,
    );
}

type JsonMaker<Input> = (input: Input) => string | undefined;

/**
 * Makes JSON of an object or list. `leaf` compiles a text in it, to what gives its JSON. A field without its value is left
 * out, unless `needsAll`.
 */
export function jsonMaker<Input>(
  source: unknown,
  leaf: (text: string) => JsonMaker<Input>,
  needsAll: boolean,
): JsonMaker<Input> {
  if (typeof source === 'string') {
    const make = leaf(source);
    return (input) => valued(make(input));
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

function listMaker<Input>(items: readonly JsonMaker<Input>[]): JsonMaker<Input> {
  return (input) => {
    const made: string[] = [];
    for (const item of items) {
      const json = item(input);
      if (json === undefined) return undefined;
      made.push(json);
    }
    return `[${made.join(',')}]`;
  };
}

interface Field<Input> {
  /** As JSON. */
  readonly name: string;
  readonly make: JsonMaker<Input>;
  readonly mayBeLeftOut: boolean;
}

function objectMaker<Input>(fields: readonly Field<Input>[]): JsonMaker<Input> {
  return (input) => {
    const made: string[] = [];
    for (const { name, make, mayBeLeftOut } of fields) {
      const json = make(input);
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
