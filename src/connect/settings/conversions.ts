import { topicName } from '../../config/schema/log-schema.ts';
import { isTooDeep, MAX_LEVELS } from '../../core/nesting.ts';
import type { Conversion } from './definition.ts';

/** Milliseconds as our settings have them. */
export const milliseconds: Conversion = (text) => `${Number(text)}ms`;

export const bytes: Conversion = (text) => `${Number(text)}B`;

/** The name of a topic that connectors may use. */
export const topic: Conversion = (text, internal) => {
  const parsed = topicName().safeParse(text.trim());
  if (!parsed.success) throw new Error(parsed.error.issues[0]?.message);
  if (internal.has(parsed.data))
    throw new Error('this topic is internal: brokers or gateways keep their own state in it; choose another one');
  return parsed.data;
};

/** A list of JSON: subscriptions hold commas. */
export const jsonList: Conversion = (text) => {
  const value = parsed(text);
  if (!Array.isArray(value) || value.length === 0) throw new Error('expected a list in JSON, such as ["one","two"]');
  return value;
};

export const jsonObject: Conversion = (text) => {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('expected an object in JSON');
  return value;
};

/** One object, or a list of them. */
export const jsonObjects: Conversion = (text, internal) =>
  (text.trimStart().startsWith('[') ? jsonList : jsonObject)(text, internal);

const STEP = new Set(['send', 'expect', 'reject', 'as', 'timeout']);

/** A message as it is: byte for byte what was written. Only an object with `expect` or `reject` that is a step of our own settings is looked into. */
export const message: Conversion = (text) => {
  if (!text.trimStart().startsWith('{') || !/"(expect|reject)"/.test(text)) return text;
  const read = readJson(text);
  if (read === undefined) return text;
  const value = notTooDeep(read.value) as object;
  const isWait = 'expect' in value && Object.keys(value).every((name) => STEP.has(name));
  return isWait || ('send' in value && ('expect' in value || 'reject' in value)) ? value : text;
};

/** An object in JSON, or a list of them. */
export const jsonOrList: Conversion = (text) => parsed(text);

/** One message as it is, or those of a list in JSON, each as a step that sends it. */
export const messages: Conversion = (text) => {
  const list = text.trimStart().startsWith('[') ? parsed(text) : [text];
  return (list as unknown[]).map((send) => ({ send }));
};

/** Text as it is, or what it says where it is an object in JSON. */
export const objectOrText: Conversion = (text) => {
  if (!text.trimStart().startsWith('{')) return text;
  return parsed(text);
};

/**
 * `name1:value1,name2:value2`, where values may hold `:`, and commas as `\,`; or an object in JSON. Names and values are
 * trimmed.
 */
export const headers: Conversion = (text) => {
  if (text.trimStart().startsWith('{')) return jsonHeaders(text);
  return Object.fromEntries(headerEntries(text).map(({ name, value }) => [name, value]));
};

export interface HeaderEntry {
  readonly name: string;
  readonly value: string;
}

/** The parts of `name1:value1,name2:value2` in their order. Throws where one has no name. */
export function headerEntries(text: string): HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  for (const part of text.split(/(?<!\\),/)) {
    if (part.trim() === '') continue;
    const colon = part.indexOf(':');
    const name = part.slice(0, colon).trim();
    if (colon < 0 || name === '') throw new Error('expected name:value pairs with commas between them');
    entries.push({
      name,
      value: part
        .slice(colon + 1)
        .trim()
        .replaceAll('\\,', ','),
    });
  }
  return entries;
}

function jsonHeaders(text: string): Record<string, unknown> {
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error('expected an object in JSON, or name:value pairs');
}

/** JSON.parse quotes what it cannot read, which may be secret. */
function parsed(text: string): unknown {
  const read = readJson(text);
  if (read === undefined) throw new Error('this is not JSON');
  return notTooDeep(read.value);
}

/** undefined for what is not JSON. */
function readJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function notTooDeep(value: unknown): unknown {
  if (isTooDeep(value)) throw new Error(`this is nested more than ${MAX_LEVELS} levels deep`);
  return value;
}
