import {
  type ContextWith,
  type Expression,
  field,
  type Message,
  TidegateError,
  type TopicFollower,
  together,
  z,
} from '../../../sdk/index.ts';
import { KeptValues, measure } from './kept-values.ts';
import type { Found, Table } from './table.ts';

export const topicSettings = z.strictObject({
  name: field.plainText().min(1, 'expected the name of a topic').describe('The topic: the newest record of each key.'),
  as: asSetting(),
  keys: field.integer({ min: 1 }).default(1_000_000).describe('Keys that the table may have.'),
  bytes: field
    .size()
    .default(256 * 1024 * 1024)
    .describe('Memory that it may take, about.'),
});

/** How the values of a table are written. */
export function asSetting() {
  return z
    .enum(['json', 'text'], 'expected json or text')
    .default('json')
    .describe('What its values are: JSON, or text that becomes a JSON string.');
}

/** A compacted topic as a table: read from its beginning before the first message, and followed from then on. */
export class TopicTable implements Table {
  private readonly settings: z.output<typeof topicSettings>;
  private readonly context: ContextWith<'follow'>;
  private readonly key: Expression;
  private readonly values: KeptValues;
  private readonly follower: TopicFollower;
  /** Some records had no room, so a key that is missing may be one of theirs. */
  private isIncomplete = false;
  private readonly stopMeasuring: () => void;
  private closed: () => void = () => {};
  private readonly closing = new Promise<void>((resolve) => {
    this.closed = resolve;
  });

  constructor(settings: z.output<typeof topicSettings>, key: Expression, context: ContextWith<'follow'>) {
    this.settings = settings;
    this.context = context;
    this.key = key;
    this.values = new KeptValues(settings);
    this.follower = context.gateway.follow({
      topics: [settings.name],
      from: 'earliest',
      next: ({ messages }) => {
        for (const message of messages) this.apply(message);
      },
      recreated: () => this.clear(),
    });
    this.stopMeasuring = measure(context, () => this.values);
  }

  async open(): Promise<void> {
    const { name } = this.settings;
    const { logger } = this.context;
    logger.info({ topic: name }, `reading the table ${name}`);
    this.follower.open();
    await Promise.race([this.follower.caughtUp, this.closing]);
    logger.info({ topic: name, keys: this.values.keys, bytes: this.values.bytes }, `the table ${name} was read`);
  }

  find(message: Message): Found | Promise<Found> {
    return together([this.key.evaluateText(message)], ([key]) => this.findKey(key as string | undefined));
  }

  close(): void {
    this.closed();
    this.stopMeasuring();
    void this.follower.close();
  }

  private findKey(key: string | undefined): Found {
    if (key === undefined) return undefined;
    const value = this.values.get(key);
    if (value === undefined && this.isIncomplete)
      throw new TidegateError('TG_STATE_FULL', `the key is not in the table, but ${this.whyIncomplete()}`);
    return value === undefined || this.settings.as === 'json' ? value : JSON.stringify(value);
  }

  private apply(message: Message): void {
    // A record without a key says nothing about any.
    if (message.key === null) return;
    const key = String(message.key);
    if (message.isTombstone) this.values.delete(key);
    else if (!this.values.set(key, message.text)) this.overflow();
  }

  private overflow(): void {
    if (this.isIncomplete) return;
    this.isIncomplete = true;
    const { name } = this.settings;
    this.context.logger.error(
      { topic: name },
      `messages whose key is missing fail from now on, as ${this.whyIncomplete()}`,
    );
  }

  private whyIncomplete(): string {
    const { name, keys, bytes } = this.settings;
    return `the topic ${name} has more than the ${keys} keys or ${bytes} bytes that ${this.context.path} keeps; raise topic.keys or topic.bytes and restart`;
  }

  private clear(): void {
    this.values.clear();
    this.isIncomplete = false;
  }
}
