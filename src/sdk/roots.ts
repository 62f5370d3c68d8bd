import { reasonOf, TidegateError } from '../core/errors.ts';
import type { Headers, Message } from '../core/message.ts';

/** What an expression may begin with. */
export const ROOTS = [
  'json',
  'text',
  'key',
  'headers',
  'meta',
  'topic',
  'partition',
  'offset',
  'timestamp',
  'auth',
] as const;
export type Root = (typeof ROOTS)[number];

/** The payload parsed by JSON.parse; undefined for a record without a value. Throws TG_EXPRESSION_FAILED. */
export function jsonOf(message: Message): unknown {
  return message.isTombstone ? undefined : readable(() => message.plainJson);
}

/** The payload as JSON in which no number is rounded; undefined for a record without a value. Throws TG_EXPRESSION_FAILED. */
export function exactJsonOf(message: Message): unknown {
  return message.isTombstone ? undefined : readable(() => message.json);
}

export function rootOf(message: Message, root: Root): unknown {
  switch (root) {
    case 'json':
      return exactJsonOf(message);
    case 'text':
      return message.isTombstone ? undefined : message.text;
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

/** All roots as one object for JSONata, which only looks at those that it needs. */
export function rootsOf(message: Message): Record<string, unknown> {
  const roots: Record<string, unknown> = {};
  for (const root of ROOTS) Object.defineProperty(roots, root, { enumerable: true, get: () => rootOf(message, root) });
  return roots;
}

/** Records come with their headers as bytes; expressions compare and join text. */
function textHeaders(headers: Headers | undefined): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return undefined;
  const texts: Record<string, string> = {};
  for (const name in headers) texts[name] = String(headers[name]);
  return texts;
}

function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw new TidegateError('TG_EXPRESSION_FAILED', `an expression reads json, but ${reasonOf(error)}`, error);
  }
}
