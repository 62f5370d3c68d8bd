import { Message } from '../core/message.ts';
import {
  compileExpression,
  compileValue,
  type Encode,
  type Expression,
  type Part,
  splitParts,
  UnclosedExpression,
} from './expression.ts';
import { hidingValues } from './hidden-values.ts';
import { PATH } from './path-expression.ts';
import { isRoot } from './roots.ts';
import { SIGNING } from './signing.ts';
import { compileTextTemplate } from './template.ts';
import type { Value } from './value.ts';

/*
 * Texts that are made when the gateway connects, before there is a message: they can use `meta` alone, and functions that
 * sign. Errors never quote the text around an expression: it may be secret.
 */

/** Names in `meta` that are always there; the answers of `prepare` and replies to `subscribe` have names of their own. */
export const CONNECT_META = ['token', 'cursor', 'now', 'secrets', 'shard'] as const;

/** A text, or an object or list as JSON, for one connect. */
export interface ConnectTemplate {
  /** undefined where a value is missing that is not in a field of an object. Throws, or rejects with, TG_EXPRESSION_FAILED. */
  (values: Message): string | undefined | Promise<string | undefined>;
  /** For lint: they read no message. */
  readonly expressions: readonly Expression[];
  /** The paths within `meta` that it reads. */
  readonly uses: readonly (readonly string[])[];
}

/** What those texts are evaluated on. */
export interface ConnectValues {
  readonly token: string | undefined;
  readonly cursor: unknown;
  /** Milliseconds since the epoch: the same in all texts that are made together. */
  readonly now: number;
  readonly secrets: Readonly<Record<string, string>>;
  /** Of `prepare`, and replies to `subscribe`, by the names that `as` gives them. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

export function connectMessage({ answers, ...values }: ConnectValues): Message {
  return new Message(Buffer.alloc(0), { meta: { ...answers, ...values } });
}

/** Compiles text, or an object or list that becomes JSON. Throws an Error. */
export function compileConnectTemplate(source: unknown): ConnectTemplate {
  const { expressions, make } = compileTextTemplate(source, (text) => compileConnectExpression(text), false);
  return Object.assign(make, {
    expressions: expressions.filter(({ text }) => text.includes('${!')).map(withoutMessage),
    uses: expressions.flatMap(({ reads }) => reads.map(({ path: [, ...path] }) => path)),
  });
}

/** The plain text and the expressions of a text, in order. Throws an Error. */
export function connectParts(text: string): Part[] {
  return guarded(() => splitParts(text, compileConnectValue));
}

/** So that lint does not check what it reads. */
export function withoutMessage(expression: Expression): Expression {
  return { ...expression, reads: [], doubts: [] };
}

export function compileConnectExpression(text: string, encode?: Encode): Expression {
  return guarded(() => compileExpression(text, encode, compileConnectValue));
}

function compileConnectValue(source: string): Value {
  const [root = ''] = source.trim().split(/[^\w]/, 1);
  if (PATH.test(source.trim()) && !isRoot(root)) throw new Error(`${source.trim()} has no value here, ${INSTEAD}`);
  const value = compileValue(source, SIGNING);
  for (const { path } of value.reads)
    if (path[0] !== 'meta' || path[1] === undefined) throw new Error(`${path.join('.')} has no value here, ${INSTEAD}`);
  return hidingValues(value, source);
}

const INSTEAD = `before there is a message; there are ${CONNECT_META.map((name) => `\${! meta.${name} }`).join(', ')}, and answers and replies that have a name, such as \${! meta.session.json }; \${NAME} is a variable of the environment`;

function guarded<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof UnclosedExpression) throw new Error('an expression ${! has no } that closes it');
    throw error;
  }
}
