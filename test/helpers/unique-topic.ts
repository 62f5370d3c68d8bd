import { randomUUID } from 'node:crypto';

/** A topic name that no other test uses, as all share one broker. */
export function uniqueTopic(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}
