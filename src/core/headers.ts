import { isUtf8 } from 'node:buffer';

/** Value of a header: text is written as UTF-8, and null is no value at all, which is not the same as an empty one for Kafka. */
export type HeaderValue = string | Buffer | null;

/** One header of a record. */
export type Header<Value = HeaderValue> = readonly [name: string, value: Value];

/**
 * The headers of a record in their order. One name may occur several times (KIP-82), and any text is a name. Never
 * changed in place: the functions below make new lists.
 */
export type Headers = readonly Header[];

export const NO_HEADERS: Headers = Object.freeze([]);

/** The value of the last header of that name, which is what counts where one is wanted; undefined where there is none. */
export function lastHeader<Value>(headers: readonly Header<Value>[], name: string): Value | undefined {
  for (let index = headers.length - 1; index >= 0; index -= 1) {
    const header = headers[index] as Header<Value>;
    if (header[0] === name) return header[1];
  }
  return undefined;
}

/** The values of all headers of that name, in their order. */
export function allHeaders<Value>(headers: readonly Header<Value>[], name: string): Value[] {
  const values: Value[] = [];
  for (const header of headers) if (header[0] === name) values.push(header[1]);
  return values;
}

/** With that value in place of all headers of the name: where the first one was, or at the end. */
export function withHeader(headers: Headers, name: string, value: HeaderValue): Headers {
  // A list that grows by `push` has room for 16 more, in each message that is in flight.
  if (headers.length === 0) return [[name, value]];
  const changed: Header[] = [];
  let isPlaced = false;
  for (const header of headers) {
    if (header[0] !== name) changed.push(header);
    else if (!isPlaced) {
      changed.push([name, value]);
      isPlaced = true;
    }
  }
  if (!isPlaced) changed.push([name, value]);
  return changed;
}

/** With one more header at the end; others of that name stay. */
export function withAddedHeader(headers: Headers, name: string, value: HeaderValue): Headers {
  return [...headers, [name, value]];
}

/** Without any header of that name. */
export function withoutHeader(headers: Headers, name: string): Headers {
  return headers.filter((header) => header[0] !== name);
}

/** Bytes for JSON: text where they are text, else Base64. */
export function textOrBase64(bytes: Buffer): string | { readonly base64: string } {
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}
