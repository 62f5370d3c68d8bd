import { reasonOf, TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { quoteValue } from '../core/quote.ts';
import { HIDDEN } from '../core/secrets.ts';
import type { Value } from './value.ts';

/**
 * The same expression, whose errors do not quote what it was given: that may be a secret, or a part of one, which nothing that
 * looks for secrets would find.
 */
export function hidingValues(value: Value, source: string): Value {
  return {
    ...value,
    evaluate: hiding(value.evaluate, source),
    text: hiding(value.text, source),
    json: hiding(value.json, source),
  };
}

function hiding<T>(evaluate: (message: Message) => T | Promise<T>, source: string) {
  const fail = (error: unknown): never => {
    throw withoutValues(error, source);
  };
  return (message: Message): T | Promise<T> => {
    try {
      const made = evaluate(message);
      if (!(made instanceof Promise)) return made;
      const guarded = made.catch(fail);
      // If several expressions are evaluated and one throws at once, nothing waits for the others.
      guarded.catch(() => {});
      return guarded;
    } catch (error) {
      return fail(error);
    }
  };
}

/** An error of JSONata has the values that its text quotes, which may be cut in the middle of one. */
function withoutValues(error: unknown, source: string): unknown {
  if (!(error instanceof TidegateError) || error.code !== 'TG_EXPRESSION_FAILED') return error;
  const { value, value2 } = (error.cause ?? {}) as { readonly value?: unknown; readonly value2?: unknown };
  const quotes = [value, value2].flatMap(quotesOf);
  if (quotes.length === 0) return error;
  const reason = quotes.reduce((text, quote) => text.replaceAll(quote, HIDDEN), reasonOf(error.cause));
  return new TidegateError('TG_EXPRESSION_FAILED', `${quoteValue(source)}: ${quoteValue(reason)}`);
}

/** How JSONata writes a value. */
function quotesOf(value: unknown): string[] {
  if (value === undefined) return [];
  try {
    return [JSON.stringify(value) ?? '', typeof value === 'string' ? value : ''].filter(({ length }) => length > 2);
  } catch {
    return [];
  }
}
