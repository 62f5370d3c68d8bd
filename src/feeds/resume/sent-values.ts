import { createHash } from 'node:crypto';
import { isTooDeep } from '../../core/nesting.ts';

/*
 * Values in messages of a server, as JSON, that outlive their messages: ids, cursors, symbols. A server that is broken may
 * send anything in their place.
 */

/** Characters of a value that are remembered; a longer one is remembered by its hash. */
const MAX_REMEMBERED = 200;
/** Characters of a value that is sent or saved. */
const MAX_CHARACTERS = 65_536;

/** A text of bounded length, which is the same for the same value. */
export function keyOfValue(json: string): string {
  // No JSON begins with this character.
  return json.length <= MAX_REMEMBERED ? json : `#${createHash('sha256').update(json).digest('base64')}`;
}

/** Whether a value can be parsed, sent and saved: it is not too long, and not nested too deeply. */
export function isUsable(json: string): boolean {
  return json.length <= MAX_CHARACTERS && (!/^[[{]/.test(json) || !isTooDeep(JSON.parse(json)));
}
