import type { Message } from '../../core/message.ts';
import { isCount, objectOf } from './records.ts';

/*
 * The control topic. Keys are text, so that a gateway skips what is not for it without looking inside.
 *
 *   ENDPOINT/INCARNATION   what concerns one member of that gateway
 *   ENDPOINT/*             what concerns all members of all gateways
 *
 * A member is meant by its claim, not by its name, which may be somebody else's by the time the record is read.
 */
export type Command =
  | {
      readonly type: 'direct';
      readonly seq: number;
      readonly to: string;
      readonly from: string;
      readonly content: string;
    }
  | { readonly type: 'kick'; readonly seq: number; readonly target: string; readonly by: string }
  | { readonly type: 'kick-all'; readonly by: string };

export function controlKey(endpoint: string, incarnation: string): string {
  return `${endpoint}/${incarnation}`;
}

export function everyoneKey(endpoint: string): string {
  return `${endpoint}/*`;
}

/** undefined for a record that nobody of us can have written. */
export function readCommand(message: Message): Command | undefined {
  const value = objectOf(message);
  if (value === undefined) return undefined;
  const { type, seq, from, to, by, target, content } = value;
  if (type === 'kick-all') return typeof by === 'string' ? { type, by } : undefined;
  if (!isCount(seq)) return undefined;
  if (type === 'direct' && typeof from === 'string' && typeof to === 'string' && typeof content === 'string')
    return { type, seq, to, from, content };
  if (type === 'kick' && typeof by === 'string' && typeof target === 'string') return { type, seq, target, by };
  return undefined;
}
