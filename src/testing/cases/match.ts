import type { Expected, ExpectedFields } from '../../config/tests/message-schema.ts';
import { AnyValue, Condition, type Pattern } from '../../config/tests/pattern.ts';
import { reasonOf } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { lastText, rootOf } from '../../sdk/roots.ts';
import { compare, type Difference, show } from './difference.ts';

/** Where a message differs from what is expected of it; empty: it is as expected. */
export async function differencesOf(expected: Expected, message: Message): Promise<Difference[]> {
  if (expected instanceof AnyValue) return [];
  if (expected instanceof Condition) return await compare(expected, undefined, message);
  const differences: Difference[] = [];
  for (const [field, read] of FIELDS) {
    const pattern = expected[field];
    if (pattern !== undefined) differences.push(...(await read(pattern, message)));
  }
  return [...differences, ...(await differingHeaders(expected.headers ?? {}, message))];
}

type Field = Exclude<keyof ExpectedFields, 'headers'>;
type Read = (pattern: Pattern, message: Message) => Promise<Difference[]>;

const FIELDS: readonly (readonly [Field, Read])[] = [
  ['json', (pattern, message) => differingJson(pattern, message, 'json', 'exact')],
  ['contains', (pattern, message) => differingJson(pattern, message, 'contains', 'contains')],
  ['text', (pattern, message) => compare(pattern, rootOf(message, 'text'), message, 'exact', ['text'])],
  ['base64', (pattern, message) => compare(pattern, message.payload.toString('base64'), message, 'exact', ['base64'])],
  ['key', (pattern, message) => compareOrNone(pattern, rootOf(message, 'key'), message, ['key'])],
  ['topic', (pattern, message) => compare(pattern, message.topic, message, 'exact', ['topic'])],
  ['timestamp', (pattern, message) => compare(pattern, message.timestamp, message, 'exact', ['timestamp'])],
];

async function differingJson(
  pattern: Pattern,
  message: Message,
  field: Field,
  comparison: 'exact' | 'contains',
): Promise<Difference[]> {
  let value: unknown;
  try {
    value = message.json;
  } catch (error) {
    return [{ path: [field], expected: show(pattern), got: `${show(message.text)}: ${reasonOf(error)}` }];
  }
  return await compare(pattern, value, message, comparison, [field]);
}

/** In an expectation null means that there is none. */
function compareOrNone(pattern: Pattern, value: unknown, message: Message, path: readonly string[]) {
  if (pattern !== null) return compare(pattern, value ?? undefined, message, 'exact', path);
  return Promise.resolve(value === undefined ? [] : [{ path, expected: 'none', got: show(value) }]);
}

async function differingHeaders(headers: Readonly<Record<string, Pattern>>, message: Message): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [name, pattern] of Object.entries(headers))
    differences.push(...(await compareOrNone(pattern, lastText(message, name), message, ['headers', name])));
  return differences;
}

/** A message as an expectation would have it, for what was not expected. */
export function shownMessage(message: Message): string {
  const { key, headers, payload } = message;
  const facts: Record<string, unknown> = {};
  try {
    facts.json = message.json;
  } catch {
    facts[isText(payload) ? 'text' : 'base64'] = isText(payload) ? message.text : payload.toString('base64');
  }
  if (key !== null) facts.key = key.toString();
  if (headers.length > 0)
    facts.headers = Object.fromEntries(headers.map(([name]) => [name, lastText(message, name) ?? null]));
  return show(facts);
}

function isText(payload: Buffer): boolean {
  return Buffer.from(payload.toString('utf8')).equals(payload);
}
