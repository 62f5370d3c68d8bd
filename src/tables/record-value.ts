import type { Message } from '../core/message.ts';

/** A record's value as an object; undefined if it is something else. */
export function objectOf(message: Message): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = message.plainJson;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is an integer of 0 or more, such as an offset. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
