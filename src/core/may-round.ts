const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;
const SMALL_E = 0x65;
const LARGE_E = 0x45;

/** All numbers with fewer fit into a double (IEEE 754: 15 digits, and a point). */
const SUSPICIOUS_DIGITS = 16;

/**
 * Whether JSON may have a number that a double cannot hold: 16 digits in a row, or an exponent of three, also within a text.
 * The bytes are not decoded, and each is looked at once.
 */
export function mayRound(json: Buffer): boolean {
  let row = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] as number; // within the length
    if ((byte >= ZERO && byte <= NINE) || byte === POINT) {
      row += 1;
      if (row === SUSPICIOUS_DIGITS) return true;
    } else {
      row = 0;
      if ((byte === SMALL_E || byte === LARGE_E) && hasThreeDigits(json, at + 1)) return true;
    }
  }
  return false;
}

/** Behind the letter of an exponent and perhaps a sign. */
function hasThreeDigits(json: Buffer, from: number): boolean {
  const first = json[from] === PLUS || json[from] === MINUS ? from + 1 : from;
  for (let at = first; at < first + 3; at += 1) {
    const byte = json[at] ?? 0;
    if (byte < ZERO || byte > NINE) return false;
  }
  return true;
}
