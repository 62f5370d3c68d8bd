// A limit for each key over a sliding window, in the memory of the gateway and without another service.
import { map } from 'rxjs';
import { Batch, defineOperator, field, TidegateError, z } from 'tidegate/sdk';

export default defineOperator({
  name: 'quota',
  summary: 'Lets so many messages of each key pass in a sliding window; the others fail, or end here.',
  description:
    'Each key has a counter for the current window and one for the window before, of which as much counts as the sliding window still covers. That takes two numbers a key, however many messages there are, and is exact where messages come evenly. Each gateway counts for itself.',
  sdk: '^0.1',
  config: z.strictObject({
    limit: field.integer({ min: 1 }).describe('How many messages of a key pass in a window.'),
    per: field.duration().prefault('1m').describe('Length of the window.'),
    by: field
      .expression()
      .refine(({ isSynchronous }) => isSynchronous, 'expected a path such as ${! meta.client_id }')
      .describe('The key.'),
    when_over: z.enum(['fail', 'drop']).default('fail').describe('fail: the client gets an ERROR that it may retry.'),
    keys: field.integer({ min: 1, max: 10_000_000 }).default(100_000).describe('Keys that are kept, at most.'),
  }),
  examples: [
    {
      title: 'Two messages of a device in a minute',
      config: { limit: 2, by: '${! json.device }', when_over: 'drop' },
      input: ['{"device":"a","n":1}', '{"device":"a","n":2}', '{"device":"a","n":3}', '{"device":"b","n":4}'],
      output: ['{"device":"a","n":1}', '{"device":"a","n":2}', '{"device":"b","n":4}'],
    },
  ],
  failures: ['Its key has used up its quota, and `when_over` is fail.', 'It has no key.'],
  stateful: false,
  // Time decides, so a record that is read again may be decided otherwise.
  isRepeatable: false,
  memory: ({ keys }) => 200 * keys,
  create: ({ limit, per, by, when_over, keys }, { clock }) => {
    const counters = new Counters({ limit, per, keys });
    const passes = (message, host) => {
      if (message.isSettled) return false;
      let key;
      try {
        key = by.evaluateText(message);
        if (key === undefined) throw new TidegateError('TG_MESSAGE_INVALID', `${by.text} has no value`);
      } catch (error) {
        host.fail(message, error);
        return false;
      }
      const wait = counters.take(key, clock.elapsed());
      if (wait === 0) return true;
      if (when_over === 'drop') host.filter(message);
      else
        host.fail(
          message,
          new TidegateError('TG_LIMIT_REACHED', `the quota of ${limit} is used up; wait ${Math.ceil(wait / 1_000)} s`),
        );
      return false;
    };
    return {
      apply: (batches$, host) =>
        batches$.pipe(map(({ messages }) => new Batch(messages.filter((message) => passes(message, host))))),
    };
  },
});

/** The counters of the keys that were seen last. */
export class Counters {
  /** In the order of their last use: a Map keeps the order in which keys were set. */
  byKey = new Map();

  constructor({ limit, per, keys }) {
    Object.assign(this, { limit, per, keys });
  }

  /** Counts a message. Milliseconds until the next one of the key passes; 0 where this one does. */
  take(key, now) {
    const window = Math.floor(now / this.per);
    const counter = this.rolled(this.byKey.get(key), window);
    const covered = 1 - (now / this.per - window);
    const used = counter.before * covered + counter.current;
    this.byKey.delete(key);
    this.byKey.set(key, counter);
    if (this.byKey.size > this.keys) this.byKey.delete(this.byKey.keys().next().value);
    if (used + 1 > this.limit) return Math.max(1, this.untilFree(counter, covered));
    counter.current += 1;
    return 0;
  }

  rolled(counter, window) {
    if (counter === undefined) return { window, before: 0, current: 0 };
    if (counter.window === window) return counter;
    return { window, before: counter.window === window - 1 ? counter.current : 0, current: 0 };
  }

  /** In this window what counts of the one before gets less; in the next one, what counts of this one. */
  untilFree({ before, current }, covered) {
    const free = this.limit - 1 - current;
    if (free >= 0 && before > 0) return (covered - free / before) * this.per;
    return (covered + 1 - (this.limit - 1) / current) * this.per;
  }
}
