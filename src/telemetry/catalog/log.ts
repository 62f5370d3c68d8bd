import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

/** Lanes: the writing side of a topic. */
export const LANE_METRICS = {
  tidegate_lane_records_total: { kind: 'counter', help: 'Records that the log accepted.', labels: ['topic'] },
  tidegate_lane_bytes_total: {
    kind: 'counter',
    help: 'Bytes of records that the log accepted, as they were sent: compressed where they are.',
    labels: ['topic'],
  },
  tidegate_lane_queued_messages: { kind: 'gauge', help: 'Messages that wait for their send.', labels: ['topic'] },
  tidegate_lane_retries_total: {
    kind: 'counter',
    help: 'Repeated sends after an unknown outcome.',
    labels: ['topic'],
  },
  tidegate_lane_refused_total: { kind: 'counter', help: 'Records that the log will never take.', labels: ['topic'] },
  tidegate_lane_duplicates_possible_total: {
    kind: 'counter',
    help: 'Producers that had to be replaced: their last batch may have been written twice.',
    labels: ['topic'],
  },
  tidegate_lane_send_seconds: {
    kind: 'histogram',
    help: 'Time of a send, its repetitions included.',
    labels: ['topic'],
    buckets: LATENCY_SECONDS,
  },
} as const satisfies MetricEntries;

/** Readers and consumer groups: the reading side. */
export const READER_METRICS = {
  tidegate_records_consumed_total: { kind: 'counter', help: 'Records read from the log.', labels: ['topic'] },
  tidegate_reader_gap_records_total: {
    kind: 'counter',
    help: 'Records that were gone from the log before they could be read, or that cannot be read.',
    labels: ['topic'],
  },
  tidegate_reader_recreated_partitions_total: {
    kind: 'counter',
    help: 'Partitions that were read on at their first record because their topic had been deleted and created again.',
    labels: ['topic'],
  },
  tidegate_consumer_lag: {
    kind: 'gauge',
    help: 'Records between what the group is done with and the end of the partition, a few seconds old at most.',
    labels: ['topic', 'partition', 'group'],
  },
  tidegate_group_consumers: {
    kind: 'gauge',
    help: 'Subscriptions of clients to topics, all of which share the partitions of their groups.',
    labels: [],
  },
  tidegate_commits_total: { kind: 'counter', help: 'Commits of offsets.', labels: ['group'] },
} as const satisfies MetricEntries;
