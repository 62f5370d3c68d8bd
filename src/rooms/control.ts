import type { Message } from '../core/message.ts';
import { isCount, objectOf } from '../tables/record-value.ts';

/*
 * The control topic. Keys are text, so that a gateway skips records for other gateways without parsing them.
 *
 *   ENDPOINT/INCARNATION   for one member of that gateway
 *   ENDPOINT/*             for all members of all gateways
 *
 * A record names its member by the claim, not by the name, which may have a new holder by the time the record is read.
 */
export type ControlRecord =
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

/** undefined for a record that no gateway can have written. */
export function readControlRecord(message: Message): ControlRecord | undefined {
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
