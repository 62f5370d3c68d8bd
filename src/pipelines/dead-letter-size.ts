import { createHash } from 'node:crypto';
import type { Headers } from '../core/headers.ts';
import type { Message } from '../core/message.ts';
import { isFact, withFacts } from './dead-letter-facts.ts';

/**
 * The dead letter without the largest of its payload, key and headers, and with headers that say how large that was:
 * what the log refuses for its key keeps its payload. Undefined where nothing is left to leave out.
 */
export function slimmer(letter: Message): Message | undefined {
  const { payload, key, headers } = letter;
  const keyBytes = key === null ? 0 : Buffer.byteLength(key);
  const headerBytes = ownBytes(headers);
  const most = Math.max(payload.length, keyBytes, headerBytes);
  if (most === 0) return undefined;
  if (payload.length === most)
    return letter.derive({ payload: Buffer.alloc(0), headers: withFacts(headers, digest('payload', payload)) });
  if (keyBytes === most)
    return letter.derive({ key: null, headers: withFacts(headers, digest('key', Buffer.from(key ?? ''))) });
  const facts = headers.filter(([name]) => isFact(name));
  return letter.derive({ headers: withFacts(facts, [['tidegate-headers-bytes', String(headerBytes)]]) });
}

function digest(part: 'payload' | 'key', bytes: Buffer): Headers {
  return [
    [`tidegate-${part}-bytes`, String(bytes.length)],
    [`tidegate-${part}-sha256`, createHash('sha256').update(bytes).digest('hex')],
  ];
}

/** The size of the headers that Tidegate did not add, in bytes. */
function ownBytes(headers: Headers): number {
  let bytes = 0;
  for (const [name, value] of headers)
    if (!isFact(name)) bytes += Buffer.byteLength(name) + (value === null ? 0 : Buffer.byteLength(value));
  return bytes;
}
