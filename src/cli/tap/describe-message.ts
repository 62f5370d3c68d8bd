import type { TappedMessage } from '../../core/tap.ts';

/** Control characters, which could do something to a terminal. */
const CONTROL = /\p{Cc}/gu;

/** `orders/0/15  key=ada  source=app  {"total":5}`. `line`: the JSON that it came in, whose numbers have all digits. */
export function describeMessage(message: TappedMessage, line: string): string {
  const { topic, partition, offset, key, headers = [], client_id: client } = message;
  const place = [topic, partition, offset].filter((part) => part !== undefined).join('/');
  const facts = [
    ...(place === '' ? [] : [place]),
    ...(client === undefined ? [] : [`client=${client}`]),
    ...(key === undefined ? [] : [`key=${shown(key)}`]),
    ...headers.map(([name, value]) => `${name}=${value === null ? 'null' : shown(value)}`),
    contentOf(message, line),
  ];
  return printable(facts.join('  '));
}

function contentOf({ text, base64, size, truncated }: TappedMessage, line: string): string {
  const more = truncated === true ? `... (${size} bytes)` : '';
  if (text !== undefined) return `${text}${more}`;
  if (base64 !== undefined) return `base64:${base64}${more}`;
  // The payload comes last, and names before it are those of `TappedMessage`; a header may hold these characters escaped only.
  const at = line.indexOf(',"json":');
  return line.slice(at + ',"json":'.length, -1);
}

function shown(value: string | { readonly base64: string }): string {
  return typeof value === 'string' ? value : `base64:${value.base64}`;
}

function printable(text: string): string {
  return text.replaceAll(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
