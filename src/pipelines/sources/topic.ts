import { defineSource, field, linearTest, type TopicPattern, z } from '../../sdk/index.ts';

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

/** Of the whole name, as in Kafka's own tools (`topics.regex` of Connect, MirrorMaker). */
function patternOf(text: string): TopicPattern {
  // Of a text that is no expression by itself, `a)|(b`, the group around it would make another one.
  linearTest(text);
  const whole = linearTest(`^(?:${text})$`);
  return { test: (name) => whole.test(name), toString: () => text };
}

const pattern = z.strictObject({
  pattern: field
    .plainText('expected a regular expression')
    .min(1, 'expected a regular expression')
    .transform((text, context) => {
      try {
        return patternOf(text);
      } catch (error) {
        const message = (error as Error).message.replace(/^I/, 'i');
        context.issues.push({ code: 'custom', message, input: text });
        return z.NEVER;
      }
    })
    .describe('Regular expression (RE2) that the whole name of a topic fits, such as orders-.*.'),
});

const name = z
  .string('expected the name of a topic, a name with * in it, or { pattern: ... }')
  .refine(
    (text) => !text.includes('*') || /^[A-Za-z0-9._*-]+$/.test(text),
    'a name with * in it has letters, digits, ".", "_", "-" and "*" (any text); write { pattern: ... } for a regular expression',
  );

const names = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : value,
  z
    .array(z.union([name, pattern]))
    .min(1, 'name at least one topic')
    .meta({ type: ['array', 'string'] }),
);

type Name = string | { readonly pattern: TopicPattern };

/** The pattern that a name is, where it is one: `*` is any text, and no topic has it in its name. */
function asPattern(one: Name): TopicPattern | undefined {
  if (typeof one !== 'string') return one.pattern;
  if (!one.includes('*')) return undefined;
  const glob = patternOf(one.replaceAll('.', '\\.').replaceAll('*', '.*'));
  return { test: (topic) => glob.test(topic), toString: () => one };
}

function plainNames(all: readonly Name[]): string[] {
  return all.filter((one) => typeof one === 'string' && !one.includes('*')) as string[];
}

export const topicSource = defineSource({
  name: 'topic',
  summary:
    'The records of topics: all of them in every gateway, or shared with the other members of a group. `meta.tombstone` is true for a record without a value, whose payload is empty here.',
  description:
    'Topics that a pattern matches and that are created later are read from their first record, at most 10 seconds after they were created; deleted ones leave. Topics of Kafka and Tidegate themselves never match, nor do the topics that the pipeline writes to: those of its sinks, its dead letters, and late records of a window.',
  config: z
    .strictObject({
      names: names.describe(
        'Topics to read: names; names with *, which is any text (orders.*); or regular expressions ({ pattern: ... }).',
      ),
      from: from.default('latest').describe('Where to start; with a group, where the group has committed nothing yet.'),
      group: z
        .string()
        .min(1)
        .optional()
        .describe('Share partitions with the other members of this consumer group and commit what is settled.'),
      max_topics: field
        .integer({ min: 1, max: 100_000 })
        .optional()
        .describe('Most topics that patterns may match, 1,000 where it is left out. The pipeline fails at more.'),
    })
    .refine(({ from, group }) => group === undefined || typeof from === 'string', {
      path: ['from'],
      message: 'a group starts at earliest or latest, and then goes on from what it has committed',
    })
    .refine(({ names, max_topics }) => max_topics === undefined || names.some(asPattern), {
      path: ['max_topics'],
      message: 'none of the names is a pattern; leave this out',
    }),
  examples: [
    { names: ['ws-messages'], from: 'latest' },
    { names: ['orders'], from: 'earliest', group: 'billing' },
    { names: ['orders.*', { pattern: 'returns-[a-z]{2}' }], group: 'archive' },
  ],
  meta: ['tombstone'],
  sharing: ({ group }) => (group === undefined ? 'broadcast' : 'shared'),
  references: ({ names }) =>
    names.flatMap((one, index) =>
      typeof one === 'string' && asPattern(one) === undefined
        ? [{ to: 'topic', name: one, path: ['names', index] }]
        : [],
    ),
  patterns: ({ names }) => names.flatMap((one) => asPattern(one) ?? []),
  needs: ['subscribe'],
  create: ({ names, from, group, max_topics: maxTopics }, { gateway }) =>
    gateway.subscribe({
      topics: plainNames(names),
      patterns: names.flatMap((one) => asPattern(one) ?? []),
      from,
      ...(maxTopics === undefined ? {} : { maxTopics }),
      ...(group === undefined ? {} : { group }),
    }),
});
