import { type Header, type Headers, textOrBase64 } from '../../core/headers.ts';

interface Shown {
  readonly payload: Buffer;
  readonly key?: string | Buffer | null;
  readonly headers?: Headers;
}

/** A message as examples write it: its payload alone, or with what else there is. */
export function shownMessage({ payload, key = null, headers = [] }: Shown): unknown {
  const content = textOrBase64(payload);
  if (key === null && headers.length === 0) return content;
  return {
    ...(typeof content === 'string' ? { text: content } : content),
    ...(key === null ? {} : { key: key.toString() }),
    ...(headers.length === 0 ? {} : { headers: headers.map(shownHeader) }),
  };
}

function shownHeader([name, value]: Header): unknown {
  return [name, value === null ? null : textOrBase64(Buffer.from(value))];
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
