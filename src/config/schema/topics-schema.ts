import { z } from 'zod';
import * as field from '../../sdk/fields.ts';

const pacing = (limit: number) =>
  z
    .strictObject({
      limit: field.integer({ min: 1, max: 100_000 }).prefault(limit).describe('Most messages or records of a batch.'),
      interval: field
        .duration()
        .prefault('0ms')
        .describe('Longest time that the first one waits for others; 0ms sends it at once.'),
    })
    .prefault({});

/** `topics` of an endpoint: what clients of codecs such as topics may do by themselves. */
export const topicsSchema = z.strictObject({
  group: z.string().min(1).prefault('tidegate').describe('Consumer group of subscriptions that name none.'),
  from: z
    .enum(['earliest', 'latest'])
    .prefault('latest')
    .describe('Where subscriptions without a start position begin, in partitions that their group never committed.'),
  in_flight: z
    .strictObject({
      messages: field.integer({ min: 2 }).prefault(65_536).describe('Messages; at this number no more are read.'),
      bytes: field.size().prefault('64MiB').describe('Bytes; at this number no more are read.'),
    })
    .prefault({})
    .describe('How much of all clients together may be in flight to the log.'),
  publish: pacing(1_000).describe('How messages are batched before they go to the log.'),
  notify: pacing(1_000).describe('How records are batched before they go to a client.'),
  commit_interval: field.duration().prefault('1s').describe('Time between two commits of a group.'),
  session_timeout: field
    .duration()
    .prefault('10s')
    .describe('If a gateway is silent for this time, its partitions of a group go to the others.'),
  paused: field.boolean().prefault(false).describe('Subscriptions begin paused.'),
  max_topics: field.integer({ min: 1 }).prefault(100).describe('Topics of one subscription.'),
  creates_per_minute: field
    .integer({ min: 0 })
    .prefault(60)
    .describe(
      'Topics that clients of one address (IPv4, or an IPv6 network of 64 bits) may create in a minute, whatever connections they have.',
    ),
  max_partitions: field
    .integer({ min: 1, max: 10_000 })
    .prefault(10_000)
    .describe('Most partitions of a topic that a client creates.'),
  max_replication: field
    .integer({ min: 1, max: 100 })
    .prefault(100)
    .describe('Most copies of a topic that a client creates.'),
  max_config: field
    .byName(field.number({ min: 0, max: Number.MAX_SAFE_INTEGER }))
    .prefault({})
    .describe(
      'Most that a client may set each numeric setting of a topic to; retention.bytes is for all of its partitions together. Without an entry: retention.ms 7 days, retention.bytes 1 GiB, max.message.bytes 1 MiB, delete.retention.ms 1 day, min.cleanable.dirty.ratio 1. Other numeric settings cannot be set by clients, and none can be unlimited. On the embedded log its own limits hold, too.',
    ),
  max_groups: field
    .integer({ min: 1 })
    .prefault(1_000)
    .describe('Most groups that clients of this gateway are in at a time; each list of topics in a group counts.'),
  groups_per_minute: field
    .integer({ min: 0 })
    .prefault(600)
    .describe('Groups in which the gateway has no member that clients of one address may join in a minute.'),
});
