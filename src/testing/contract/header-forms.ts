import type { Header, Headers } from '../../core/headers.ts';

/** Headers as a log gives them back: text has become bytes. */
export function asBytes(headers: Headers): Header[] {
  return headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)]);
}

/** Headers for comparisons that a person can read. */
export function asTexts(headers: Headers): [name: string, value: string | null][] {
  return headers.map(([name, value]) => [name, value === null ? null : value.toString()]);
}
