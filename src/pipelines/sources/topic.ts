import { defineSource, field, z } from '../../sdk/index.ts';

const partitionOffsets = z.record(z.string().regex(/^\d+$/, 'expected the number of a partition'), field.integer());

/** Environment variables for this are switches in most programs, such as KAFKA_FROM_BEGINNING=true. */
const SWITCHES: Readonly<Record<string, string>> = { true: 'earliest', false: 'latest' };

const position = z.union(
  [
    z.enum(['earliest', 'latest']),
    z.strictObject({ last: field.integer({ min: 1 }) }),
    z.strictObject({ timestamp: z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)) }),
    z.strictObject({ offsets: field.byName(partitionOffsets) }),
  ],
  'expected earliest, latest, { last: 50 }, { timestamp: 2024-01-01T12:00:00Z } or { offsets: { topic: { 0: 42 } } }',
);

const from = z.preprocess((value) => SWITCHES[String(value)] ?? value, position);

export const topicSource = defineSource({
  name: 'topic',
  summary:
    'The records of topics: all of them in every gateway, or shared with the other members of a group. `meta.tombstone` is true for a record without a value, whose payload is empty here.',
  config: z
    .strictObject({
      names: field.list().pipe(z.array(z.string()).min(1, 'name at least one topic')).describe('Topics to read.'),
      from: from.default('latest').describe('Where to start; with a group, where the group has committed nothing yet.'),
      group: z
        .string()
        .min(1)
        .optional()
        .describe('Share partitions with the other members of this consumer group and commit what is settled.'),
    })
    .refine(({ from, group }) => group === undefined || typeof from === 'string', {
      path: ['from'],
      message: 'a group starts at earliest or latest, and then goes on from what it has committed',
    }),
  examples: [
    { names: ['ws-messages'], from: 'latest' },
    { names: ['orders'], from: 'earliest', group: 'billing' },
  ],
  meta: ['tombstone'],
  sharing: ({ group }) => (group === undefined ? 'broadcast' : 'shared'),
  references: ({ names }) => names.map((name, index) => ({ to: 'topic', name, path: ['names', index] })),
  create: ({ names, from, group }, { gateway }) =>
    gateway.subscribe({ topics: names, from, ...(group === undefined ? {} : { group }) }),
});
