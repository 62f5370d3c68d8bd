import jsonata from 'jsonata';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Headers, Message } from '../core/message.ts';
import { withoutMarks } from './literal.ts';

/**
 * What `${! expr }` gives for a message. undefined is "no value": no key, no header. Most expressions are dotted
 * paths and answer at once; only others go through JSONata, which is asynchronous.
 */
export interface Expression {
  /** The text as it stands in the configuration. */
  readonly text: string;
  evaluate(message: Message): unknown;
}

const DOTTED_PATH = /^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$/;
const ROOTS = ['json', 'text', 'key', 'headers', 'meta', 'topic', 'partition', 'offset', 'timestamp', 'auth'] as const;
type Root = (typeof ROOTS)[number];

interface Part {
  readonly literal?: string;
  readonly value?: (message: Message) => unknown;
}

/**
 * Compiles text with `${! expr }` in it. A text that is one expression and nothing else gives the expression's own
 * type; with other text around it, text. Throws an Error that says what is wrong with the expression.
 */
export function compileExpression(text: string): Expression {
  const parts = splitParts(text);
  const [only] = parts;
  if (parts.length === 0) return { text, evaluate: () => '' };
  if (parts.length === 1 && only?.value !== undefined) return { text, evaluate: only.value };
  if (parts.every((part) => part.literal !== undefined)) {
    const constant = parts.map((part) => part.literal).join('');
    return { text, evaluate: () => constant };
  }
  return { text, evaluate: (message) => interpolate(parts, message) };
}

/**
 * Text of a value for a key or header: undefined and null stay "no value", numbers and booleans are written out.
 * Throws TG_EXPRESSION_FAILED for objects, which have no obvious text.
 */
export function textOfValue(value: unknown, expression: Expression): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'object') {
    throw new TidegateError(
      'TG_EXPRESSION_FAILED',
      `${expression.text} gives an object where text is due; pick one of its fields or use $string()`,
    );
  }
  return String(value);
}

function interpolate(parts: readonly Part[], message: Message): unknown {
  const values = parts.map((part) => part.literal ?? part.value?.(message));
  const join = (all: readonly unknown[]) =>
    all
      .map((value) =>
        value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
      )
      .join('');
  return values.some((value) => value instanceof Promise) ? Promise.all(values).then(join) : join(values);
}

function splitParts(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('${!', at);
    if (start < 0) break;
    if (start > at) parts.push({ literal: withoutMarks(text.slice(at, start)) });
    const end = endOfExpression(text, start + 3);
    parts.push({ value: compileValue(text.slice(start + 3, end).trim()) });
    at = end + 1;
  }
  if (at < text.length) parts.push({ literal: withoutMarks(text.slice(at)) });
  return parts;
}

/** Index of the `}` that closes the expression; braces and quotes inside nest. */
function endOfExpression(text: string, from: number): number {
  let depth = 0;
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const char = text[at] as string;
    if (quote !== '') {
      if (char === '\\') at += 1;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'" || char === '`') quote = char;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  throw new Error(`"${text}" has no } that closes its \${! `);
}

function compileValue(source: string): (message: Message) => unknown {
  if (source === '') throw new Error('an expression ${! } is empty');
  if (DOTTED_PATH.test(source)) return compilePath(source);
  const compiled = compileJsonata(source);
  return (message) => {
    const value = compiled.evaluate(rootsOf(message)).catch((error: unknown) => {
      throw asTidegateError(error, 'TG_EXPRESSION_FAILED', source);
    });
    // Whoever evaluates several expressions may give up at the first that throws; nobody waits for this one then.
    value.catch(() => {});
    return value;
  };
}

function compilePath(source: string): (message: Message) => unknown {
  const [root, ...steps] = source.split('.') as [string, ...string[]];
  if (!(ROOTS as readonly string[]).includes(root)) {
    throw new Error(`"${source}" begins with ${root}; a message has ${ROOTS.join(', ')}`);
  }
  return (message) => {
    let value: unknown = rootOf(message, root as Root);
    for (const step of steps) {
      if (value === null || typeof value !== 'object') return undefined;
      value = Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined;
    }
    return value;
  };
}

function compileJsonata(source: string): jsonata.Expression {
  try {
    return jsonata(source);
  } catch (error) {
    throw new Error(`${source} is no JSONata expression: ${(error as { message?: string }).message ?? String(error)}`);
  }
}

function rootOf(message: Message, root: Root): unknown {
  switch (root) {
    case 'json':
      return jsonOf(message);
    case 'auth':
      return message.meta.auth;
    case 'key':
      return message.key === null ? undefined : message.key.toString();
    case 'headers':
      return textHeaders(message.headers);
    case 'partition':
    case 'offset':
      return message[root] < 0 ? undefined : message[root];
    default:
      return message[root];
  }
}

/** Records come with their headers as bytes; expressions compare and join text. */
function textHeaders(headers: Headers | undefined): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return undefined;
  const texts: Record<string, string> = {};
  for (const name in headers) texts[name] = String(headers[name]);
  return texts;
}

/** All roots as one object for JSONata, which only looks at those that it needs. */
function rootsOf(message: Message): Record<string, unknown> {
  const roots: Record<string, unknown> = {};
  for (const root of ROOTS) Object.defineProperty(roots, root, { enumerable: true, get: () => rootOf(message, root) });
  return roots;
}

function jsonOf(message: Message): unknown {
  try {
    return message.json;
  } catch (error) {
    throw new TidegateError(
      'TG_EXPRESSION_FAILED',
      `the payload is not JSON, but an expression reads it: ${(error as Error).message}`,
      error,
    );
  }
}
