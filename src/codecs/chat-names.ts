import { hasUnprintable } from '../sdk/index.ts';

/** Code points that a name or an age may have. */
const MAX_LENGTH = 64;
/** What the chat writes behind a name: a name that contains it could forge a line of another member. */
const FORGING: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/[:\u2236\ua789](?: |$)/u, 'a colon before a space or at the end'],
  [/\(to you\)/iu, '"(to you)"'],
  [/connected to chat/iu, '"connected to chat"'],
  [/left the chat/iu, '"left the chat"'],
  [/ with age(?: |$)/iu, '"with age"'],
];

/**
 * One spelling for names that look the same: an é of one code point or of two, full-width and half-width letters, one
 * space or many (Unicode UAX 15, form KC). Trimmed afterwards, because the form turns some characters into spaces.
 */
export function normalised(words: string): string {
  return words
    .normalize('NFKC')
    .trim()
    .replace(/\p{Zs}+/gu, ' ');
}

/**
 * Why these words, of which `name` is the normalised form, cannot be a name or an age, or undefined. The reason begins
 * with `what` and fits into a close frame: 123 bytes (RFC 6455 5.5).
 */
export function refusalOf(what: 'name' | 'age', words: string, name: string): string | undefined {
  const unseen = unseenIn(words) ?? unseenIn(name);
  if (unseen !== undefined) return `${what}: ${unseen}`;
  const length = [...name].length;
  if (length > MAX_LENGTH) return `${what}: it has ${length} characters, and ${MAX_LENGTH} are allowed`;
  const forging = FORGING.find(([pattern]) => pattern.test(name));
  if (forging !== undefined) return `${what}: it must not have ${forging[1]}, as lines of the chat have; leave it out`;
  return what === 'name' && name === ''
    ? `name: it is empty; write it in the path, 1 to ${MAX_LENGTH} characters`
    : undefined;
}

/** The first code point that a name cannot have, and its place, counted from 1 in code points. Ends are trimmed. */
function unseenIn(words: string): string | undefined {
  const before = [...words].length - [...words.trimStart()].length;
  const points = [...words.trim()];
  const index = points.findIndex(isRefused);
  const point = points[index];
  if (point === undefined) return undefined;
  const code = (point.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} at ${before + index + 1} ${wrongWith(point)}; leave it out`;
}

/**
 * What cannot be seen could forge lines, and names that look like another one. Some names in Persian and some emoji have joiners;
 * whether a joiner is visible depends on the letters around it and on the font. What is no character as of the Unicode version of this
 * Node.js looks like any other such.
 */
function isRefused(point: string): boolean {
  return hasUnprintable(point) || /\p{Cn}/u.test(point);
}

function wrongWith(point: string): string {
  if (/\p{Cc}/u.test(point)) return 'is a control character';
  if (/\p{Cs}/u.test(point)) return 'is half of a character';
  // Some code points without a character are reserved for invisible ones.
  return /\p{Cn}/u.test(point) ? 'is not a character' : 'cannot be seen';
}
