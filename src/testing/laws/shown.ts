import { isUtf8 } from 'node:buffer';
import type { Headers } from '../../core/headers.ts';

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
    ...(headers.length === 0 ? {} : { headers: headers.map(([name, value]) => [name, value?.toString() ?? null]) }),
  };
}

/** Text as it is, other bytes in base64. */
export function shownBytes(bytes: Buffer): string | { readonly base64: string } {
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}
