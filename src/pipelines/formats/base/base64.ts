import { invalid } from './failure.ts';

export type Alphabet = 'standard' | 'url';

const FORMS = { standard: /^[A-Za-z0-9+/]*={0,2}$/, url: /^[A-Za-z0-9_-]*={0,2}$/ } as const;

/** Bytes of Base64 (RFC 4648), with or without padding. Node alone would leave out what it does not know. */
export function fromBase64(text: string, alphabet: Alphabet): Buffer {
  if (!FORMS[alphabet].test(text) || !isWhole(text)) throw invalid(`it is not Base64 of the ${alphabet} alphabet`);
  return Buffer.from(text, alphabet === 'url' ? 'base64url' : 'base64');
}

/** Whether the last group of four has two digits or more, and padding is complete where there is some. */
function isWhole(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return padding === 0 ? text.length % 4 !== 1 : text.length % 4 === 0;
}

/** Base64 with padding, and without where it is for URLs. */
export function toBase64(bytes: Buffer, alphabet: Alphabet): string {
  return bytes.toString(alphabet === 'url' ? 'base64url' : 'base64');
}

/** The bytes of a field of JSON, of either alphabet; undefined where it is no Base64. */
export function bytesOfText(text: string): Buffer | undefined {
  try {
    return fromBase64(text, /[-_]/.test(text) ? 'url' : 'standard');
  } catch {
    return undefined;
  }
}
