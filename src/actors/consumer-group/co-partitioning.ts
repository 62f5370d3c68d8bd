import { TidegateError } from '../../core/errors.ts';
import type { LogAdmin, TopicDescription } from '../../core/log.ts';

/**
 * Rejects with TG_GROUP_FAILED where topics whose records meet by their partition have not the same number of them: the
 * same key would be in partition 4 of one and in partition 1 of the other. What the log cannot say now passes; a topic that
 * does not exist yet has nothing to be read.
 */
export async function checkPartitions(admin: LogAdmin, topics: readonly string[]): Promise<void> {
  const unknown: (TopicDescription | undefined)[] = [];
  const described = await Promise.all(topics.map((topic) => admin.describe(topic))).catch(() => unknown);
  const [first, ...others] = described.filter((one) => one !== undefined);
  const other = others.find(({ partitions }) => partitions !== first?.partitions);
  if (first === undefined || other === undefined) return;
  const [fewer, more] = first.partitions < other.partitions ? [first, other] : [other, first];
  throw new TidegateError(
    'TG_GROUP_FAILED',
    `topics that are joined need the same number of partitions: ${fewer.name} has ${fewer.partitions}, ${more.name} has ${more.partitions}; write the records of ${fewer.name} to a topic with ${more.partitions} partitions and join that, or add partitions to ${fewer.name} if records that are in it may stay without a partner`,
  );
}
