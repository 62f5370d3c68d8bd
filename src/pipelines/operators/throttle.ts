import { defineOperator, field, z } from '../../sdk/index.ts';
import { byKey } from './by-key.ts';
import { RecentKeys } from './recent-keys.ts';

const MAX_PERIOD = 86_400_000;

export const throttle = defineOperator({
  name: 'throttle',
  summary: 'Lets one message pass in each period, by key or of all; the others end here and count as done.',
  description:
    'A period begins with the message that passes. Where that one fails afterwards, the next one passes at once. The newest message of each period is what `latest` gives; this gives the oldest. The memory is that of one gateway, and starts empty.',
  stateful: false,
  isRepeatable: false,
  config: z.strictObject({
    every: field
      .duration()
      .refine((period) => period > 0 && period <= MAX_PERIOD, 'expected more than 0 and at most 24h')
      .describe('Length of a period.'),
    by: field
      .expression()
      .optional()
      .describe('Periods of its own for each value of this. Left out: for all messages.'),
    keys: field
      .integer({ min: 1, max: 10_000_000 })
      .prefault(100_000)
      .describe('So many keys are remembered; those without a message for longest are forgotten.'),
  }),
  failures: ['The expression of `by` fails, or gives no value.'],
  examples: [
    {
      title: 'A position of each vehicle every ten seconds',
      config: { every: '10s', by: '${! json.vehicle }' },
      input: ['{"vehicle":"a","x":1}', '{"vehicle":"a","x":2}', '{"vehicle":"b","x":3}'],
      output: ['{"vehicle":"a","x":1}', '{"vehicle":"b","x":3}'],
    },
  ],
  create: ({ every, by, keys }, { clock }) => {
    /** When the last message of a key passed, by `Clock.elapsed`. */
    const passed = new RecentKeys<number>(keys);
    return {
      apply: (batches$, host) =>
        byKey(batches$, by, host, (message, key) => {
          const now = clock.elapsed();
          const last = passed.get(key);
          if (last !== undefined && now - last < every) {
            host.filter(message);
            return false;
          }
          passed.set(key, now);
          message.whenSettled((failure, isLost) => {
            if ((failure !== null || isLost) && passed.get(key) === now) passed.delete(key);
          });
          return true;
        }),
    };
  },
});
