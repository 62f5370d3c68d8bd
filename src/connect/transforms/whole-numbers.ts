import { bigintOf, isLong, type JsonNumber, numberOf } from './java-values.ts';

/** A number as Java narrows it to that many bits: whole ones wrap around; others are cut to whole, between the ends of an int or long. */
export function narrowed(value: JsonNumber, bits: number): JsonNumber {
  return numberOf(String(BigInt.asIntN(bits, wholeOf(value, bits))));
}

/** The text as a number of that many bits; undefined where it is none (java.lang.Long.parseLong). */
export function parseWhole(text: string, bits: number): JsonNumber | undefined {
  if (!/^[+-]?\d{1,40}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(bits, value) === value ? numberOf(String(value)) : undefined;
}

/** As a long: `java.lang.Number.longValue`. */
export function longOf(value: JsonNumber): bigint {
  return BigInt.asIntN(64, wholeOf(value, 64));
}

function wholeOf(value: JsonNumber, bits: number): bigint {
  if (isLong(value)) return bigintOf(value);
  // A double becomes an int before it becomes a short or a byte.
  const width = bits === 64 ? 64n : 32n;
  const [least, most] = [-(2n ** (width - 1n)), 2n ** (width - 1n) - 1n];
  const double = Math.trunc(Number(String(value)));
  if (double <= Number(least)) return least;
  return double >= Number(most) ? most : BigInt(double);
}
