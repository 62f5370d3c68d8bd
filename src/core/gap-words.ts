import type { Gap } from './log.ts';

/** A gap in words. A position behind the end, such as one that a client sought, is one from which reading goes back. */
export function describeGap({ topic, partition, from, to, reason, recreated }: Gap): string {
  const place = `${topic}/${partition}`;
  if (recreated === true) {
    return `the topic ${topic} was deleted and created again: reading of ${place} was at offset ${from} of the old one and goes on at the first record of the new one, ${to}; what the old one still had is lost`;
  }
  if (to < from) return `${place} has no offset ${from} (yet, or any more); reading goes on at ${to}`;
  if (reason !== undefined) return `records ${from}-${to - 1} of ${place} cannot be read: ${reason}`;
  return `records ${from}-${to - 1} of ${place} were gone before they could be read`;
}
