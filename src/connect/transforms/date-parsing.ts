import { DAYS, type DatePart, type Letter, MONTHS } from './date-letters.ts';

/** What was read of a text, by letter of the pattern. */
type Found = Partial<Record<Letter, number>>;

const MINUTE = 60_000;
/** Digits of a number; more would not be one of a date. */
const MAX_DIGITS = 18;

/**
 * Reads a text as java.text.SimpleDateFormat does: leniently, so that month 13 is January of the next year. Milliseconds
 * since the epoch, or undefined.
 */
export function parseDate(text: string, parts: readonly DatePart[]): number | undefined {
  const found: Found = {};
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if ('text' in part) {
      if (!text.startsWith(part.text, at)) return undefined;
      at += part.text.length;
      continue;
    }
    while (text[at] === ' ' || text[at] === '\t') at += 1;
    const next = parts[index + 1];
    const isAbutting = next !== undefined && 'letter' in next && isNumeric(next);
    const read = readField(text.slice(at), part, isAbutting);
    if (read === undefined) return undefined;
    found[part.letter] = read.value;
    at += read.length;
  }
  return timeOf(found);
}

interface Read {
  readonly value: number;
  readonly length: number;
}

type LetterPart = Extract<DatePart, { letter: Letter }>;

function isNumeric({ letter, width }: LetterPart): boolean {
  return !'EazZX'.includes(letter) && (letter !== 'M' || width < 3);
}

function readField(text: string, part: LetterPart, isAbutting: boolean): Read | undefined {
  const { letter, width } = part;
  if (letter === 'a') return readName(text, ['AM', 'PM']);
  if (letter === 'E') return readName(text, DAYS);
  if (letter === 'z' || letter === 'Z' || letter === 'X') return readZone(text);
  if (!isNumeric(part)) return readName(text, MONTHS);
  const digits = /^\d+/.exec(text.slice(0, isAbutting ? width : MAX_DIGITS))?.[0];
  if (digits === undefined) return undefined;
  const isShortYear = letter === 'y' && width <= 2 && digits.length === 2;
  const value = isShortYear ? fullYear(Number(digits)) : Number(digits);
  return { value: letter === 'M' ? value - 1 : value, length: digits.length };
}

/** By its position. In full or by its first three letters, whatever the case. */
function readName(text: string, names: readonly string[]): Read | undefined {
  const lower = text.toLowerCase();
  for (const length of [Number.POSITIVE_INFINITY, 3])
    for (const [value, name] of names.entries()) {
      const start = name.slice(0, length).toLowerCase();
      if (lower.startsWith(start)) return { value, length: start.length };
    }
  return undefined;
}

/** Minutes east of Greenwich. */
function readZone(text: string): Read | undefined {
  const match = /^(?:(?:Z|UTC|GMT)?([+-])(\d{2}):?(\d{2})?|Z|UTC|GMT|Coordinated Universal Time)/i.exec(text);
  if (match === null) return undefined;
  const [all, sign, hours = '0', minutes = '0'] = match;
  return { value: (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)), length: all.length };
}

/** Of the hundred years that end in twenty. */
function fullYear(short: number): number {
  const first = new Date().getUTCFullYear() - 80;
  const year = Math.floor(first / 100) * 100 + short;
  return year < first ? year + 100 : year;
}

function timeOf(found: Found): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(found.y ?? 1970, found.D === undefined ? (found.M ?? 0) : 0, found.D ?? found.d ?? 1);
  const half = found.h ?? found.K;
  const hours = found.H ?? (found.k === undefined ? undefined : found.k % 24);
  date.setUTCHours(hours ?? (half === undefined ? 0 : (half % 12) + (found.a ?? 0) * 12));
  date.setUTCMinutes(found.m ?? 0, found.s ?? 0, found.S ?? 0);
  const zone = found.X ?? found.Z ?? found.z ?? 0;
  const time = date.getTime() - zone * MINUTE;
  return Number.isNaN(time) ? undefined : time;
}
