import { Observable } from 'rxjs';
import { Batch, defineOperator, field, type OperatorHost, z } from '../../sdk/index.ts';
import { byKey } from './by-key.ts';
import { TokenBuckets } from './token-buckets.ts';
import { WaitingMessages } from './waiting-messages.ts';

export const rateLimit = defineOperator({
  name: 'rate_limit',
  summary: 'Lets so many messages pass in a time, by key or all together; the others wait, or end here.',
  description:
    'A token bucket: it holds `burst` tokens, a message takes one, and `rate` says how fast they come back. Messages that wait keep their order within their key, while those of other keys pass. They stay in flight, so with many of them the gate shuts, and the source is held back. The buckets are those of one gateway, and start full.',
  stateful: false,
  isRepeatable: false,
  config: z.strictObject({
    rate: field.rate().describe('How many pass for long, such as `100/s`, `10/m` or `5/h`.'),
    burst: field
      .integer({ min: 1, max: 1_000_000 })
      .optional()
      .describe('How many pass at once after a pause. Left out: those of one second, at least 1.'),
    by: field.expression().optional().describe('A bucket for each value of this. Left out: one for all messages.'),
    when_over: z
      .enum(['wait', 'drop'], 'expected wait or drop')
      .prefault('wait')
      .describe('What becomes of a message without a token.'),
    keys: field
      .integer({ min: 1, max: 10_000_000 })
      .prefault(100_000)
      .describe('So many buckets are kept; those that were not used for longest are forgotten, and are full again.'),
  }),
  failures: ['The expression of `by` fails, or gives no value.'],
  examples: [
    {
      title: 'No more than one alarm of a device in a minute',
      config: { rate: '1/m', by: '${! json.device }', when_over: 'drop' },
      input: ['{"device":"a","n":1}', '{"device":"a","n":2}', '{"device":"b","n":3}'],
      output: ['{"device":"a","n":1}', '{"device":"b","n":3}'],
    },
    { rate: '200/s', burst: 400 },
  ],
  create: ({ rate, burst, by, when_over, keys }, { clock }) => {
    const buckets = new TokenBuckets({ perSecond: rate, burst: burst ?? Math.max(1, Math.floor(rate)), keys, clock });
    const drop = (batches$: Observable<Batch>, host: OperatorHost) =>
      byKey(batches$, by, host, (message, key) => {
        const passes = buckets.take(key) === 0;
        if (!passes) host.filter(message);
        return passes;
      });
    const wait = (batches$: Observable<Batch>, host: OperatorHost) =>
      new Observable<Batch>((subscriber) => {
        const waiting = new WaitingMessages(buckets, clock, (message) => subscriber.next(new Batch([message])));
        const subscription = byKey(batches$, by, host, (message, key) => waiting.passes(message, key)).subscribe({
          next: (batch) => subscriber.next(batch),
          error: (error: unknown) => subscriber.error(error),
          complete: () => waiting.whenEmpty(() => subscriber.complete()),
        });
        // Not a teardown of that subscription, which ends with its source: what waits then still has its turn.
        return () => {
          subscription.unsubscribe();
          waiting.stop();
        };
      });
    return { apply: when_over === 'drop' ? drop : wait };
  },
});
