import type { Gap } from '../core/log.ts';

/** A gap in words. A position behind the end, such as one that a client sought, is one from which reading goes back. */
export function describeGap({ topic, partition, from, to, reason }: Gap): string {
  if (to < from) return `${topic}/${partition} has no offset ${from} (yet, or any more); reading goes on at ${to}`;
  if (reason !== undefined) return `records ${from}-${to - 1} of ${topic}/${partition} cannot be read: ${reason}`;
  return `records ${from}-${to - 1} of ${topic}/${partition} were gone before they could be read`;
}
