import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { compileJsonata } from './jsonata.ts';
import { withoutMarks } from './literal.ts';
import type { OwnFunctions } from './own-functions.ts';
import { compilePath, PATH } from './path-expression.ts';
import { after, type Doubt, type Read, type Text, type Value } from './value.ts';

/**
 * Evaluates `${! expr }` for a message. undefined means no value: no key, no header, no message. Most expressions are
 * dotted paths and synchronous; the others need JSONata, which is asynchronous. All methods throw, or reject with,
 * TG_EXPRESSION_FAILED.
 */
export interface Expression {
  /** The text in the configuration. */
  readonly text: string;
  /** Whether it is synchronous for every message. */
  readonly isSynchronous: boolean;
  /** Whether its JSON is what `writeJson` makes of its value; that of a path has the digits of the payload. */
  readonly isWritten: boolean;
  /** Paths of the message that it reads. */
  readonly reads: readonly Read[];
  /** Possible mistakes. */
  readonly doubts: readonly Doubt[];
  /** The value for computing and comparing. A number that a double cannot hold is an ExactNumber. */
  evaluate(message: Message): unknown;
  /** The value as text, for keys and headers. Numbers keep all their digits; an object has no text and fails. */
  evaluateText(message: Message): string | undefined | Promise<string | undefined>;
  /** The value as other text around it would have it: as `evaluateText`, but an object or list is its JSON. */
  evaluateInText(message: Message): string | undefined | Promise<string | undefined>;
  /** The value as JSON; a value that is not changed keeps the text of the payload. */
  evaluateJson(message: Message): string | undefined | Promise<string | undefined>;
}

export type Part = { readonly literal: string } | { readonly value: Value };

/** Makes what an expression gives fit into the text around it; undefined where it has no place there. */
export type Encode = (text: string) => string | undefined;

const asItIs: Encode = (text) => text;

/**
 * Compiles text with `${! expr }` in it. A text that is one expression and nothing else gives the expression's own
 * type; with other text around it, text, or no value where one of its expressions has none. Throws an Error that says
 * what is wrong with the expression.
 */
export function compileExpression(text: string, encode: Encode = asItIs, compile = compileValue): Expression {
  const parts = splitParts(text, compile);
  const values = parts.flatMap((part) => ('value' in part ? [part.value] : []));
  const facts = {
    text,
    isSynchronous: values.every(({ isSynchronous }) => isSynchronous),
    reads: values.flatMap(({ reads }) => reads.map((read) => ({ ...read, isWithinText: parts.length > 1 }))),
    doubts: values.flatMap(({ doubts }) => doubts),
  };
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && 'value' in only) {
    const { value } = only;
    return {
      ...facts,
      isWritten: value.isWritten,
      evaluate: value.evaluate,
      evaluateText: (message) => after(value.text(message), (found) => plainText(found, text)),
      evaluateInText: (message) => after(value.text(message), textWithin),
      evaluateJson: value.json,
    };
  }
  const written = values.length === 0 ? constant(parts) : (message: Message) => writtenParts(parts, message, encode);
  return {
    ...facts,
    isWritten: false,
    evaluate: written,
    evaluateText: written,
    evaluateInText: written,
    evaluateJson: (message) =>
      after(written(message), (found) => (found === undefined ? undefined : JSON.stringify(found))),
  };
}

/** Compiles an expression without JSONata, which is evaluated synchronously for every message. Throws an Error. */
export function compilePaths(text: string): Expression {
  const expression = compileExpression(text);
  if (expression.isSynchronous) return expression;
  throw new Error(`${text} needs JSONata; only paths such as \${! json.id } can be used here, with text around them`);
}

/** Compiles a condition. Throws an Error, also for text that would be true for every message. */
export function compileCondition(text: string): Expression {
  if (text.includes('${!')) return compileExpression(text);
  throw new Error(`"${text}" is true for everything; write an expression such as "\${! json.type = 'ready' }"`);
}

function constant(parts: readonly Part[]): () => string {
  const text = parts.map((part) => ('literal' in part ? part.literal : '')).join('');
  return () => text;
}

/** The text of parts for a message. */
export function writtenParts(
  parts: readonly Part[],
  message: Message,
  encode: Encode,
): string | undefined | Promise<string | undefined> {
  const texts = parts.map((part) => ('literal' in part ? part.literal : part.value.text(message)));
  if (texts.some((text) => text instanceof Promise))
    return after(Promise.all(texts), (found) => joined(parts, found, encode));
  return joined(parts, texts as Text[], encode);
}

/** A missing value leaves no text: otherwise there would be `{"ack":}`, or one key for all messages without a value. */
function joined(parts: readonly Part[], texts: readonly Text[], encode: Encode): string | undefined {
  let whole = '';
  for (let at = 0; at < texts.length; at += 1) {
    const text = textWithin(texts[at]);
    const written = text === undefined || 'literal' in (parts[at] as Part) ? text : encode(text);
    if (written === undefined) return undefined;
    whole += written;
  }
  return whole;
}

function textWithin(found: Text): string | undefined {
  return typeof found === 'object' ? found.json : found;
}

/** The text with `value` in place of each expression. */
export function filledWith(text: string, value: string): string {
  return splitParts(text)
    .map((part) => ('literal' in part ? part.literal : value))
    .join('');
}

function plainText(found: Text, source: string): string | undefined {
  if (typeof found !== 'object') return found;
  const mistake = `${source} gives an object where text is due; pick one of its fields or use $string()`;
  throw new TidegateError('TG_EXPRESSION_FAILED', mistake);
}

/** The plain text and the expressions of a text, in order. Throws an Error that says what is wrong with an expression. */
export function splitParts(text: string, compile = compileValue): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('${!', at);
    if (start < 0) break;
    if (start > at) parts.push({ literal: withoutMarks(text.slice(at, start)) });
    const end = endOfExpression(text, start + 3);
    parts.push({ value: compile(text.slice(start + 3, end).trim()) });
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
  throw new UnclosedExpression(text);
}

/** Its message quotes the text, which must not be shown where it may be secret. */
export class UnclosedExpression extends Error {
  constructor(text: string) {
    super(`"${text}" has no } that closes its \${! `);
  }
}

/** One expression without its braces; `functions`: what it has beside the functions of JSONata. */
export function compileValue(source: string, functions?: OwnFunctions): Value {
  if (source === '') throw new Error('an expression ${! } is empty');
  return PATH.test(source) ? compilePath(source) : compileJsonata(source, functions);
}
