import { isUtf8 } from 'node:buffer';
import type { Message } from '../sdk/index.ts';

/** A record as JSON; null for one without a value. */
export function jsonValueOf(message: Message): Buffer | string | null {
  if (message.meta.tombstone === true) return null;
  return isJson(message) ? message.payload : JSON.stringify(message.text);
}

/** Clients close the connection on a text frame that is not UTF-8 (RFC 6455 8.1). */
function isJson(message: Message): boolean {
  if (!isUtf8(message.payload)) return false;
  try {
    return message.plainJson !== undefined;
  } catch {
    return false;
  }
}
