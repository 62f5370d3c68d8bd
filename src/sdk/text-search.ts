/**
 * Characters of a text times those of a pattern, up to which `indexOf` is used: its time grows with the product where
 * texts repeat themselves, and is some 25 ms here at most.
 */
const NATIVE_SEARCH = 16_777_216;

/** Whether `indexOf` could take too long. */
export function isLongSearch(text: string, pattern: string): boolean {
  return pattern.length > 1 && text.length * pattern.length > NATIVE_SEARCH;
}

/**
 * Finds a pattern in a text in time that grows with the sum of their lengths (Knuth, Morris and Pratt 1977). For texts
 * that repeat little it is slower than `indexOf`. The pattern has at least one character.
 */
export class LinearSearch {
  private readonly text: Uint16Array;
  private readonly pattern: Uint16Array;
  /** For each place of the pattern: the length of the longest beginning of the pattern that ends there. */
  private readonly borders: Int32Array;
  private at = 0;

  constructor(text: string, pattern: string) {
    this.text = unitsOf(text);
    this.pattern = unitsOf(pattern);
    this.borders = bordersOf(this.pattern);
  }

  /** Where the pattern comes next, behind the place that was found before, or -1. */
  next(): number {
    const { text, pattern, borders } = this;
    let matched = 0;
    for (let at = this.at; at < text.length; at += 1) {
      while (matched > 0 && text[at] !== pattern[matched]) matched = borders[matched - 1] as number; // within the pattern
      if (text[at] === pattern[matched]) matched += 1;
      if (matched < pattern.length) continue;
      this.at = at + 1;
      return this.at - pattern.length;
    }
    this.at = text.length;
    return -1;
  }
}

function bordersOf(pattern: Uint16Array): Int32Array {
  const borders = new Int32Array(pattern.length);
  let length = 0;
  for (let at = 1; at < pattern.length; at += 1) {
    while (length > 0 && pattern[at] !== pattern[length]) length = borders[length - 1] as number; // within the pattern
    if (pattern[at] === pattern[length]) length += 1;
    borders[at] = length;
  }
  return borders;
}

/** Its UTF-16 code units. */
function unitsOf(text: string): Uint16Array {
  const units = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at += 1) units[at] = text.charCodeAt(at);
  return units;
}
