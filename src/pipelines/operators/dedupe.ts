import { type Clock, defineOperator, field, type Message, type TidegateError, z } from '../../sdk/index.ts';
import { byKey } from './by-key.ts';

const MAX_WITHIN = 7 * 86_400_000;

export const dedupe = defineOperator({
  name: 'dedupe',
  summary: 'Lets the first message with a key pass; the later ones within a time end here and count as done.',
  description:
    'What counts is the clock of the gateway, from the first message on. A message that comes while the first one is in flight shares its fate: it is done when that one is stored, and fails with it. After a failure the next message with the key is the first again, so a client that sends once more loses nothing. The memory is that of one gateway, and starts empty.',
  stateful: false,
  isRepeatable: false,
  config: z.strictObject({
    by: field.expression().describe('What makes messages the same, such as `"${! json.id }"` or `"${! key }"`.'),
    within: field
      .duration()
      .refine((time) => time > 0 && time <= MAX_WITHIN, 'expected more than 0 and at most 168h (7 days)')
      .prefault('10m')
      .describe('For so long a key is remembered.'),
    count: field
      .integer({ min: 1, max: 10_000_000 })
      .prefault(100_000)
      .describe('So many keys are remembered; the oldest ones are forgotten.'),
  }),
  failures: ['The expression fails, or gives no value.'],
  examples: [
    {
      title: 'An order that a client sent twice',
      config: { by: '${! json.id }', within: '1h' },
      input: ['{"id":7,"n":1}', '{"id":8,"n":1}', '{"id":7,"n":1}'],
      output: ['{"id":7,"n":1}', '{"id":8,"n":1}'],
    },
  ],
  create: ({ by, within, count }, { clock }) => {
    const seen = new SeenKeys(within, count, clock);
    return {
      apply: (batches$, host) =>
        byKey(batches$, by, host, (message, key) => {
          const first = seen.firstOf(key);
          if (first === undefined) seen.add(key, message);
          else if (first.isStored) host.filter(message);
          else first.waiting.push({ message, host });
          return first === undefined;
        }),
    };
  },
});

interface Waiting {
  readonly message: Message;
  readonly host: { filter(message: Message): void };
}

/** The first message with a key. */
interface First {
  /** When it came, by `Clock.elapsed`. */
  readonly at: number;
  isStored: boolean;
  /** Messages with the same key that came before it was stored. */
  waiting: Waiting[];
}

/** The keys of recent messages, in the order of their arrival. */
class SeenKeys {
  private readonly within: number;
  private readonly count: number;
  private readonly clock: Clock;
  private readonly keys = new Map<string, First>();

  constructor(within: number, count: number, clock: Clock) {
    this.within = within;
    this.count = count;
    this.clock = clock;
  }

  firstOf(key: string): First | undefined {
    const first = this.keys.get(key);
    if (first === undefined || !first.isStored || this.clock.elapsed() - first.at < this.within) return first;
    this.keys.delete(key);
    return undefined;
  }

  add(key: string, message: Message): void {
    this.forgetOld();
    const first: First = { at: this.clock.elapsed(), isStored: false, waiting: [] };
    this.keys.set(key, first);
    message.whenSettled((failure, isLost) => this.settled(key, first, failure, isLost));
  }

  private settled(key: string, first: First, failure: TidegateError | null, isLost: boolean): void {
    const { waiting } = first;
    first.waiting = [];
    first.isStored = failure === null && !isLost;
    // One that was lost may be read again here, and is the first again then.
    if (!first.isStored && this.keys.get(key) === first) this.keys.delete(key);
    for (const { message, host } of waiting) {
      if (message.isSettled) continue;
      if (failure === null) host.filter(message);
      else message.nack(failure);
    }
  }

  /** Those whose time is over, and as many as are too many. A key whose first message is in flight can go as well: that message knows who waits. */
  private forgetOld(): void {
    const forgotten = this.clock.elapsed() - this.within;
    for (const [key, { at, isStored }] of this.keys) {
      const isOver = isStored && at <= forgotten;
      if (!isOver && this.keys.size < this.count) return;
      this.keys.delete(key);
    }
  }
}
