import { createHash, randomInt } from 'node:crypto';
import { defineOperator, field, type Message, z } from '../../sdk/index.ts';
import { byKey } from './by-key.ts';
import { RecentKeys } from './recent-keys.ts';

const RANGE = 2 ** 32;

export const sample = defineOperator({
  name: 'sample',
  summary: 'Lets a part of the messages pass: a share of them, or every n-th; the others end here and count as done.',
  description:
    'With `share` and `by` a key has all of its messages or none, on each gateway and after each restart. Without `by` a record passes or not by its place in the topic, so the choice is the same when it is read again; a message from elsewhere is chosen by chance. The counts of `every` are those of one gateway, and start anew with it.',
  stateful: false,
  isRepeatable: ({ every }) => every === undefined,
  config: z
    .strictObject({
      share: field
        .number({ min: 0, max: 1 })
        .optional()
        .describe('Part of the messages, or of the keys, that passes: more than 0 and less than 1.'),
      every: field
        .integer({ min: 2, max: 1_000_000_000 })
        .optional()
        .describe('Every so many messages one passes, the first one at first.'),
      by: field
        .expression()
        .optional()
        .describe('Chooses, or counts, by the value of this. Left out: of all messages.'),
      keys: field
        .integer({ min: 1, max: 10_000_000 })
        .prefault(100_000)
        .describe('With `every`: so many keys are counted; those without a message for longest begin anew.'),
    })
    .refine(
      ({ share, every }) => (share === undefined) !== (every === undefined) && share !== 0 && share !== 1,
      'give either share, more than 0 and less than 1, or every',
    ),
  failures: ['The expression of `by` fails, or gives no value.'],
  examples: [
    {
      title: 'Every second message',
      config: { every: 2 },
      input: ['1', '2', '3', '4', '5'],
      output: ['1', '3', '5'],
    },
    {
      title: 'All messages of half of the users',
      config: { share: 0.5, by: '${! json.user }' },
      input: ['{"user":"ada","n":1}', '{"user":"bob","n":2}', '{"user":"bob","n":3}'],
      output: ['{"user":"bob","n":2}', '{"user":"bob","n":3}'],
    },
  ],
  create: ({ share = 0, every, by, keys }) => {
    const counts = new RecentKeys<{ n: number }>(keys);
    const isTurn = (key: string): boolean => {
      const count = counts.get(key) ?? counts.set(key, { n: 0 });
      count.n += 1;
      return count.n % (every ?? 1) === 1;
    };
    const isChosen = (message: Message, key: string): boolean =>
      (by === undefined ? placeOf(message) : hash(key)) < share * RANGE;
    const passes = every === undefined ? isChosen : (_message: Message, key: string) => isTurn(key);
    return {
      apply: (batches$, host) =>
        byKey(batches$, by, host, (message, key) => {
          const isIn = passes(message, key);
          if (!isIn) host.filter(message);
          return isIn;
        }),
    };
  },
});

function placeOf({ topic, partition, offset }: Message): number {
  return offset < 0 ? randomInt(RANGE) : hash(`${topic}/${partition}/${offset}`);
}

/** From 0 to less than RANGE. */
function hash(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32BE();
}
