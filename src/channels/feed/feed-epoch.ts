import { createHash } from 'node:crypto';

/** Characters of an epoch, 6 bits each: enough to tell the lives of one topic apart. */
const LENGTH = 10;

/** What the offsets of a topic mean something for. */
export interface TopicLife {
  readonly cluster: string;
  readonly topic: string;
  /** Of the topic; one that is created anew has another. Undefined where the log gives none. */
  readonly id: string | undefined;
  /** With another number of partitions keys are in other ones. */
  readonly partitions: number;
}

/** The same on all gateways. */
export function epochOf({ cluster, topic, id = '', partitions }: TopicLife): string {
  const hash = createHash('sha256').update(JSON.stringify([cluster, topic, id, partitions]));
  return hash.digest('base64url').slice(0, LENGTH);
}
