import { type Headers, lastHeader } from '../core/headers.ts';
import type { Message } from '../core/message.ts';

/**
 * On records of the room and of the control topic: the incarnation whose member sent the message. Records of earlier
 * versions and of other producers do not have it, and are never too late.
 */
const INCARNATION = 'tidegate-incarnation';

export function authoredBy(incarnation: string): Headers {
  return Object.freeze([Object.freeze([INCARNATION, incarnation] as const)]);
}

/** The incarnation whose member sent it; undefined where the record does not say. */
export function authorOf({ headers }: Message): string | undefined {
  // Most records have no headers, or this one alone.
  if (headers.length === 0) return undefined;
  return lastHeader(headers, INCARNATION)?.toString();
}
