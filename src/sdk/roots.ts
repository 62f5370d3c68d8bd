import { reasonOf, TidegateError } from '../core/errors.ts';
import { type Headers, type HeaderValue, lastHeader } from '../core/headers.ts';
import type { Message } from '../core/message.ts';

/** The names that an expression may begin with. */
export const ROOTS = [
  'json',
  'text',
  'key',
  'headers',
  'headers_all',
  'meta',
  'topic',
  'partition',
  'offset',
  'timestamp',
  'auth',
] as const;
export type Root = (typeof ROOTS)[number];

export function isRoot(name: string): name is Root {
  return (ROOTS as readonly string[]).includes(name);
}

/** The payload parsed by JSON.parse; undefined for a record without a value. Throws TG_EXPRESSION_FAILED. */
export function jsonOf(message: Message): unknown {
  if (message.isTombstone) return undefined;
  try {
    return message.plainJson;
  } catch (error) {
    throw notReadable(error);
  }
}

/** The payload as JSON in which no number is rounded; undefined for a record without a value. Throws TG_EXPRESSION_FAILED. */
export function exactJsonOf(message: Message): unknown {
  if (message.isTombstone) return undefined;
  try {
    return message.json;
  } catch (error) {
    throw notReadable(error);
  }
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
      return lastTexts(message.headers);
    case 'headers_all':
      return allTexts(message.headers);
    case 'partition':
    case 'offset':
      return message[root] < 0 ? undefined : message[root];
    default:
      return message[root];
  }
}

/** All roots as one object for JSONata. They are evaluated only when they are read, and written out for speed: one object per message. */
export function rootsOf(message: Message): Readonly<Record<Root, unknown>> {
  return {
    get json() {
      return rootOf(message, 'json');
    },
    get text() {
      return rootOf(message, 'text');
    },
    get key() {
      return rootOf(message, 'key');
    },
    get headers() {
      return rootOf(message, 'headers');
    },
    get headers_all() {
      return rootOf(message, 'headers_all');
    },
    get meta() {
      return message.meta;
    },
    get topic() {
      return message.topic;
    },
    get partition() {
      return rootOf(message, 'partition');
    },
    get offset() {
      return rootOf(message, 'offset');
    },
    get timestamp() {
      return message.timestamp;
    },
    get auth() {
      return message.meta.auth;
    },
  };
}

/** The last header of a name as text; null for a header without a value, undefined if there is none. */
export function lastText({ headers }: Message, name: string): string | null | undefined {
  return textOfHeader(lastHeader(headers, name));
}

/** The last header of each name. Without a prototype: any text may be a name, `__proto__` too. */
function lastTexts(headers: Headers): Readonly<Record<string, unknown>> | undefined {
  if (headers.length === 0) return undefined;
  const texts: Record<string, unknown> = Object.create(null);
  for (const [name, value] of headers) texts[name] = textOfHeader(value);
  return texts;
}

function allTexts(headers: Headers): Readonly<Record<string, unknown>> | undefined {
  if (headers.length === 0) return undefined;
  const texts: Record<string, unknown[]> = Object.create(null);
  for (const [name, value] of headers) {
    texts[name] ??= [];
    texts[name].push(textOfHeader(value));
  }
  return texts;
}

/** Headers of records are bytes; expressions compare and join text. */
function textOfHeader(value: HeaderValue | undefined): string | null | undefined {
  return Buffer.isBuffer(value) ? value.toString() : value;
}

function notReadable(error: unknown): TidegateError {
  return new TidegateError('TG_EXPRESSION_FAILED', `an expression reads json, but ${reasonOf(error)}`, error);
}
