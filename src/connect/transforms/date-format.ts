import { type DatePart, fieldWriters, type Letter, letters } from './date-letters.ts';
import { parseDate } from './date-parsing.ts';

/** A pattern of java.text.SimpleDateFormat, in UTC and with English names. */
export class DateFormat {
  readonly pattern: string;
  private readonly parts: readonly DatePart[];

  /** Throws an Error that says what is wrong with the pattern, or what of it there is not. */
  constructor(pattern: string) {
    this.pattern = pattern;
    this.parts = partsOf(pattern);
  }

  /** `time`: milliseconds since the epoch, between the years 1 and 9999. */
  format(time: number): string {
    const date = new Date(time);
    return this.parts
      .map((part) => ('text' in part ? part.text : fieldWriters[part.letter](date, part.width)))
      .join('');
  }

  /** Milliseconds since the epoch; undefined for a text that does not have the form. What follows the form is ignored, as in Java. */
  parse(text: string): number | undefined {
    return parseDate(text, this.parts);
  }
}

function partsOf(pattern: string): DatePart[] {
  const parts: DatePart[] = [];
  for (const [token, quoted] of pattern.matchAll(/'((?:[^']|'')*)'|([a-zA-Z])\2*|[^a-zA-Z']+|'/g)) {
    if (token === "'") throw new Error('Unterminated quote');
    if (quoted !== undefined) parts.push({ text: quoted === '' ? "'" : quoted.replaceAll("''", "'") });
    else if (/^[a-zA-Z]/.test(token)) parts.push({ letter: letterOf(token.charAt(0)), width: token.length });
    else parts.push({ text: token });
  }
  return parts;
}

function letterOf(letter: string): Letter {
  const known = letters.find((one) => one === letter);
  if (known !== undefined) return known;
  if (/[GYLwWFu]/.test(letter))
    throw new Error(`the pattern letter '${letter}' is not supported; supported are ${letters.join(' ')}`);
  throw new Error(`Illegal pattern character '${letter}'`);
}
