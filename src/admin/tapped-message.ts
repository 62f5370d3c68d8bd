import { isUtf8 } from 'node:buffer';
import { writeJson } from '../core/exact-number.ts';
import { type HeaderValue, textOrBase64 } from '../core/headers.ts';
import type { Message } from '../core/message.ts';
import { HIDDEN, isSecretName } from '../core/secrets.ts';

/** Bytes of a payload that a tap shows. */
export const MAX_SHOWN = 16_384;

/** A message as one line of JSON (`TappedMessage`), without a line end. Values of headers whose names say that they are secrets are hidden. */
export function tappedLine(message: Message): string {
  const { topic, partition, offset, key, headers, timestamp, payload, meta } = message;
  const facts = {
    ...(topic === undefined ? {} : { topic }),
    ...(partition < 0 ? {} : { partition }),
    ...(offset < 0 ? {} : { offset }),
    ...(meta.client_id === undefined ? {} : { client_id: meta.client_id }),
    ...(key === null ? {} : { key: textOrBytes(key) }),
    ...(headers.length === 0
      ? {}
      : { headers: headers.map(([name, value]) => [name, isSecretName(name) ? HIDDEN : textOrBytes(value)]) }),
    ...(timestamp > 0 ? { timestamp } : {}),
    size: payload.length,
  };
  const shown = JSON.stringify(facts);
  return `${shown.slice(0, -1)},${content(message)}}`;
}

function content(message: Message): string {
  const { payload } = message;
  if (payload.length > MAX_SHOWN) return `${textOf(beginningOf(payload))},"truncated":true`;
  const json = jsonOf(message);
  return json === undefined ? textOf(payload) : `"json":${json}`;
}

/** With all digits of its numbers; undefined where it is not JSON. */
function jsonOf(message: Message): string | undefined {
  try {
    return writeJson(message.json);
  } catch {
    return undefined;
  }
}

function textOf(payload: Buffer): string {
  return isUtf8(payload)
    ? `"text":${JSON.stringify(payload.toString('utf8'))}`
    : `"base64":${JSON.stringify(payload.toString('base64'))}`;
}

/** Not cut within a character. */
function beginningOf(payload: Buffer): Buffer {
  let end = MAX_SHOWN;
  while (end > MAX_SHOWN - 4 && ((payload[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return payload.subarray(0, end);
}

function textOrBytes(value: HeaderValue): string | null | { base64: string } {
  return value === null || typeof value === 'string' ? value : textOrBase64(value);
}
