import { isUtf8 } from 'node:buffer';
import { type Header, type Headers, type HeaderValue, quote, textOrBase64 } from '../../sdk/index.ts';
import { isFields, Mistake } from './wire.ts';

/*
 * Headers in JSON. An object of texts where that loses nothing: {"source":"web"}. Otherwise a list in the order of the
 * record: [["retry","1"],["retry","2"],["none",null],["bytes",{"base64":"/w=="}]]. Clients may send either.
 */

/** Whole numbers as names: JavaScript moves them to the front of an object. */
const NUMERIC = /^\d+$/;

export function writeHeaders(headers: Headers): string {
  if (headers.length === 0) return '{}';
  return isObject(headers) ? writeObject(headers) : writeList(headers);
}

function isObject(headers: Headers): boolean {
  const names = new Set<string>();
  for (const [name, value] of headers) {
    if (!isText(value) || NUMERIC.test(name) || name === '__proto__') return false;
    names.add(name);
  }
  return names.size === headers.length;
}

function isText(value: HeaderValue): boolean {
  return value !== null && (typeof value === 'string' || isUtf8(value));
}

function writeObject(headers: Headers): string {
  let fields = '';
  for (const [name, value] of headers) {
    fields += `${fields === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(String(value))}`;
  }
  return `{${fields}}`;
}

function writeList(headers: Headers): string {
  return JSON.stringify(
    headers.map(([name, value]) => {
      if (value === null || typeof value === 'string') return [name, value];
      return [name, textOrBase64(value)];
    }),
  );
}

/** The headers of a `notif/create`. */
export function readHeaders(headers: unknown): Headers | undefined | Mistake {
  if (headers === undefined || headers === null) return undefined;
  if (!isFields(headers) && !Array.isArray(headers)) return new Mistake('payload', HOW);
  const pairs: readonly unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  const read: Header[] = [];
  for (const pair of pairs) {
    if (!isPair(pair)) return new Mistake('payload', HOW);
    const value = headerValue(pair[1]);
    if (value === undefined)
      return new Mistake('payload', `${HOW}; the value of "${quote(pair[0])}" is not one of these`);
    read.push([pair[0], value]);
  }
  return read;
}

const HOW =
  'p.headers must be an object of texts such as {"source":"web"}, or a list such as [["retry","1"],["retry","2"],["none",null]]';

function isPair(pair: unknown): pair is [name: string, value: unknown] {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string';
}

/** undefined for what cannot be the value of a header. */
function headerValue(value: unknown): HeaderValue | undefined {
  if (value === null || typeof value === 'string') return value;
  if (!isFields(value) || Object.keys(value).length !== 1) return undefined;
  const { base64 } = value;
  if (typeof base64 !== 'string') return undefined;
  const bytes = Buffer.from(base64, 'base64');
  // Node skips what is not base64.
  return bytes.toString('base64') === base64 ? bytes : undefined;
}
