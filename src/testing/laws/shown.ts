import { isUtf8 } from 'node:buffer';
import type { Header, Headers } from '../../core/headers.ts';

interface Shown {
  readonly payload: Buffer;
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
}

/** A message as examples write it: its payload alone, or with what else there is. */
export function shownMessage({ payload, key = null, headers = [] }: Shown): unknown {
  const content = shownBytes(payload);
  if (key === null && headers.length === 0) return content;
  return {
    ...(typeof content === 'string' ? { text: content } : content),
    ...(key === null ? {} : { key: key.toString() }),
    ...(headers.length === 0 ? {} : { headers: headers.map(shownHeader) }),
  };
}

function shownHeader([name, value]: Header): unknown {
  return [name, value === null ? null : shownBytes(Buffer.from(value))];
}

/** Text as it is, other bytes in base64. */
export function shownBytes(bytes: Buffer): string | { readonly base64: string } {
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
