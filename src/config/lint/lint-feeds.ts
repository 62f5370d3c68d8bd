import { feedSinks, partitionsOf } from '../pipelines/channel-feeds.ts';
import { doubting, type Finding } from '../problem/problem.ts';
import { channelHistoryOf } from '../schema/channels-schema.ts';
import type { ParsedConfig } from '../schema/schema.ts';

const WITHOUT = 'these records have no positions, so clients that come back do not get those that they missed';

/** Clients are to recover what they have missed, and a pipeline sends records to their channels that have no positions. */
export function lintFeeds(config: ParsedConfig): Finding[] {
  return feedSinks(config).flatMap(({ endpoint, path, plan }) => {
    if (channelHistoryOf(config.endpoints[endpoint]?.channels) === undefined) return [];
    if (typeof plan === 'string') return [doubting(path, `${WITHOUT}: ${plan}`)];
    const partitions = partitionsOf(config, plan.topic);
    if (plan.isByKey || partitions === 1) return [];
    const why =
      'only a name of text around ${! key }, with the key that the record has in the topic, says in which partition the records of a channel are';
    if (partitions !== undefined)
      return [doubting(path, `${WITHOUT}: ${plan.topic} has ${partitions} partitions; ${why}`)];
    return [{ severity: 'note', path, message: `unless ${plan.topic} has one partition, ${WITHOUT}: ${why}` }];
  });
}
