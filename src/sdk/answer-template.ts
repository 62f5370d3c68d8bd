import { Message } from '../core/message.ts';
import { withoutMessage } from './connect-template.ts';
import { compileExpression, compileValue, type Expression, UnclosedExpression } from './expression.ts';
import { SIGNING } from './signing.ts';
import { compileTextTemplate } from './template.ts';
import type { Read, Value } from './value.ts';

/*
 * Texts that answer a message: they can use the message, all that texts of the connect can use, and the same functions. Errors
 * never quote the text around an expression: it may be secret.
 */

/** A text, or an object or list as JSON, that answers a message. */
export interface AnswerTemplate {
  /** undefined if any value is missing. Throws, or rejects with, TG_EXPRESSION_FAILED. Of the connect: see `withConnect`. */
  (message: Message): string | undefined | Promise<string | undefined>;
  /** Of the message alone, for lint. */
  readonly expressions: readonly Expression[];
  /** Any missing value leaves no text at all, also in a field of an object: messages that need no answer would get one. */
  readonly needsAll: true;
  /** Whether it is made at once, and of the message alone. */
  readonly isPlain: boolean;
  /** The paths within `meta` that it reads and that the connect gives. */
  readonly uses: readonly (readonly string[])[];
}

/** `own`: names in `meta` that the message has itself. Throws an Error that says what is wrong. */
export function compileAnswerTemplate(source: unknown, own: readonly string[] = []): AnswerTemplate {
  const { expressions, make, makeAtOnce } = compileTextTemplate(source, compileAnswerExpression, true);
  const isOfConnect = ({ path: [root, name = ''] }: Pick<Read, 'path'>) => root === 'meta' && !own.includes(name);
  const uses = expressions.flatMap(({ reads }) => reads.filter(isOfConnect).map(({ path: [, ...path] }) => path));
  const isAtOnce = expressions.every(({ isSynchronous }) => isSynchronous);
  return Object.assign(isAtOnce ? makeAtOnce : make, {
    expressions: expressions.map((expression) => {
      const reads = expression.reads.filter((read) => !isOfConnect(read));
      return reads.length === expression.reads.length ? expression : { ...withoutMessage(expression), reads };
    }),
    needsAll: true as const,
    isPlain: isAtOnce && uses.length === 0,
    uses,
  });
}

/** The message with what its connect knows. A name that both have is that of the message. */
export function withConnect(message: Message, values: Message): Message {
  const { payload, key, headers, meta, timestamp, topic, partition, offset } = message;
  const place = { ...(topic === undefined ? {} : { topic }), partition, offset };
  return new Message(payload, { key, headers, timestamp, ...place, meta: { ...values.meta, ...meta } });
}

function compileAnswerExpression(text: string): Expression {
  try {
    return compileExpression(text, undefined, compileAnswerValue);
  } catch (error) {
    if (error instanceof UnclosedExpression) throw new Error('an expression ${! has no } that closes it');
    throw error;
  }
}

function compileAnswerValue(source: string): Value {
  const value = compileValue(source, SIGNING);
  if (value.reads.some(({ path }) => path[0] === 'meta' && path[1] === undefined))
    throw new Error('meta is all of it, secrets too; name one value, such as ${! meta.secrets.key }');
  return value;
}
