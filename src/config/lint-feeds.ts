import { feedSinks, partitionsOf } from './channel-feeds.ts';
import { doubting, type Finding } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

/** Clients are to recover what they have missed, and a pipeline sends records to their channels that have no positions. */
export function lintFeeds(config: ParsedConfig): Finding[] {
  return feedSinks(config).flatMap(({ endpoint, path, plan }) => {
    const { history, recover } = config.endpoints[endpoint]?.channels ?? {};
    if (history === undefined && recover === undefined) return [];
    const setting = `endpoints.${endpoint}.channels.${recover === undefined ? 'history' : 'recover'}`;
    const without = `these records have no positions, and ${setting} has no effect on them`;
    if (typeof plan === 'string') return [doubting(path, `${without}: ${plan}`)];
    const partitions = partitionsOf(config, plan.topic);
    if (plan.isByKey || partitions === 1) return [];
    const why =
      'only a name of text around ${! key }, with the key that the record has in the topic, says in which partition the records of a channel are';
    if (partitions !== undefined)
      return [doubting(path, `${without}: ${plan.topic} has ${partitions} partitions; ${why}`)];
    return [{ severity: 'note', path, message: `unless ${plan.topic} has one partition, ${without}: ${why}` }];
  });
}
