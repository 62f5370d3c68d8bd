const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const SPACE = 0x20;

/** Bytes of a string that are looked at one by one before the native search takes over, which has a fixed cost. */
const SHORT_STRING = 48;

/**
 * Finds the value of a path of field names in JSON, and gives it as the text that it has there: a number keeps every
 * digit, and nothing is parsed. What a field of that name is worth that comes several times is what the last one is,
 * as for JSON.parse (ECMA-404 leaves that open). The bytes must be valid JSON; for others the result means nothing.
 */
export class JsonPath {
  private readonly names: readonly { readonly text: string; readonly bytes: Buffer }[];

  constructor(steps: readonly string[]) {
    this.names = steps.map((text) => ({ text, bytes: Buffer.from(text) }));
  }

  /** undefined where there is no such field. Lists have no fields. */
  textIn(json: Buffer): string | undefined {
    return this.bytesIn(json)?.toString('utf8');
  }

  /** The same as the bytes that it has there, in the memory of `json`. */
  bytesIn(json: Buffer): Buffer | undefined {
    let at = skipSpace(json, 0);
    for (const { text, bytes } of this.names) {
      if (json[at] !== OPEN_OBJECT) return undefined;
      at = lastMember(json, at, text, bytes);
      if (at < 0) return undefined;
    }
    return json.subarray(at, endOfValue(json, at));
  }
}

/** The first name that comes a second time in the object whose JSON that is; an escaped letter is the letter. */
export function repeatedField(json: Buffer): string | undefined {
  const names: string[] = [];
  countFields(json, names);
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/**
 * How many fields the object has whose JSON that is, each as often as it comes; 0 for what is not an object. Their
 * names are added to `names`.
 */
export function countFields(json: Buffer, names?: string[]): number {
  const start = skipSpace(json, 0);
  if (json[start] !== OPEN_OBJECT) return 0;
  let count = 0;
  let at = skipSpace(json, start + 1);
  while (json[at] === QUOTE) {
    count += 1;
    const nameEnd = endOfString(json, at);
    names?.push(JSON.parse(json.toString('utf8', at, nameEnd)) as string);
    const colon = skipSpace(json, nameEnd);
    const behind = skipSpace(json, endOfValue(json, skipSpace(json, colon + 1)));
    if (json[behind] !== COMMA) break;
    at = skipSpace(json, behind + 1);
  }
  return count;
}

/** Where the value of the last field of that name begins, or -1. `at` is the brace that opens the object. */
function lastMember(json: Buffer, at: number, name: string, nameBytes: Buffer): number {
  let found = -1;
  let next = skipSpace(json, at + 1);
  while (json[next] === QUOTE) {
    const keyEnd = endOfString(json, next);
    const isIt = isName(json, next, keyEnd, name, nameBytes);
    const colon = skipSpace(json, keyEnd);
    if (json[colon] !== COLON) return -1;
    const value = skipSpace(json, colon + 1);
    if (isIt) found = value;
    next = skipSpace(json, endOfValue(json, value));
    if (json[next] !== COMMA) return found;
    next = skipSpace(json, next + 1);
  }
  return found;
}

/** Whether the string from `start` to `end`, quotes included, is that name. An escaped letter is the letter. */
function isName(json: Buffer, start: number, end: number, name: string, nameBytes: Buffer): boolean {
  const length = end - start - 2;
  let isEqual = length === nameBytes.length;
  for (let index = 0; index < length; index += 1) {
    const byte = json[start + 1 + index];
    if (byte === BACKSLASH) return JSON.parse(json.toString('utf8', start, end)) === name;
    if (byte !== nameBytes[index]) isEqual = false;
  }
  return isEqual;
}

/** The index behind the value that begins at `start`. Not recursive: a client chooses how deep values are nested. */
function endOfValue(json: Buffer, start: number): number {
  const first = json[start];
  if (first === QUOTE) return endOfString(json, start);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return endOfLiteral(json, start);
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}

/** The index behind the number, true, false or null that begins at `start`. */
function endOfLiteral(json: Buffer, start: number): number {
  let at = start;
  for (; at < json.length; at += 1) {
    const byte = json[at] as number; // within the length
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || byte <= SPACE) return at;
  }
  return at;
}

/** The index behind the closing quote. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  for (const stop = at + SHORT_STRING; at < stop && at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
  for (;;) {
    const quote = json.indexOf(QUOTE, at);
    if (quote < 0) return json.length;
    if (!isEscaped(json, quote, at)) return quote + 1;
    at = quote + 1;
  }
}

/** Whether an odd number of backslashes is in front of the byte; `from` is behind any escape before it. */
function isEscaped(json: Buffer, at: number, from: number): boolean {
  let backslashes = 0;
  while (at - backslashes > from && json[at - backslashes - 1] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (at < json.length && (json[at] as number) <= SPACE) at += 1;
  return at;
}
