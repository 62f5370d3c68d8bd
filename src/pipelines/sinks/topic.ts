import {
  asTidegateError,
  Batch,
  defineSink,
  type Expression,
  field,
  Message,
  type Sink,
  TidegateError,
  type TopicPort,
  together,
  withHeader,
  z,
} from '../../sdk/index.ts';
import { TopicsByName, type TopicsByNameSettings } from './topics-by-name.ts';
import { Turns } from './turns.ts';

const topics = z
  .strictObject({
    max: field.integer({ min: 1, max: 10_000 }).default(100).describe('Most topics that are written to at a time.'),
    create: field.boolean().default(true).describe('Create topics that do not exist. If false, their messages fail.'),
    close_after: field.duration().default(600_000).describe('A topic that gets no messages for this long is closed.'),
  })
  .prefault({});

export const topicSink = defineSink({
  name: 'topic',
  summary: 'A topic of the log; a message is acked when the log has it.',
  description:
    'With `"${! }"` in `name`, each message goes to the topic that its name says. Such a topic is checked, and created, when the first message for it comes, with the settings that `log.topics` has for its name. Messages of one topic keep their order. One that is deleted while it is in use is created again within about a minute, and its messages fail until then.',
  config: z.strictObject({
    name: field
      .expression()
      .refine(({ text }) => text !== '', 'expected the name of a topic')
      .describe('Topic to write to.'),
    key: field.expression().optional().describe('Key of the record; equal keys keep their order. No value: no key.'),
    headers: field
      .byName(field.expression())
      .optional()
      .describe(
        'Headers of the record, in place of all that the message has by that name; no value leaves the message as it is.',
      ),
    topics: topics.describe('Limits for topics whose names come from messages.'),
  }),
  failures: [
    'The log refuses the record, or an expression fails.',
    'The name is not one that a topic can have, or is a topic of Kafka or Tidegate themselves.',
    'The topic does not exist and `topics.create` is false, or `topics.max` topics are in use.',
  ],
  examples: [
    { name: 'ws-messages', key: '${! meta.client_id }' },
    { name: 'orders-${! json.region }', topics: { max: 20 } },
  ],
  reaches: 'records',
  references: ({ name }) => (isFixed(name) ? [{ to: 'topic', name: fixedName(name), path: ['name'] }] : []),
  openTopics: ({ name, topics }) => (isFixed(name) ? 1 : topics.max),
  needs: ['topic', 'namedTopics'],
  create: ({ name, key, headers, topics }, context) => {
    const keyOf = key === undefined ? {} : { keyOf: (message: Message) => key.evaluateText(message) };
    const address = key === undefined && headers === undefined ? undefined : addressing(key, headers ?? {});
    return isFixed(name)
      ? toOneTopic(context.gateway.topic(fixedName(name)), address, keyOf)
      : toNamedTopics(name, address, new TopicsByName(limitsOf(topics), context), keyOf);
  },
});

function isFixed({ text }: Expression): boolean {
  return !text.includes('${!');
}

/** The text of an expression in which nothing is evaluated. */
function fixedName(name: Expression): string {
  return name.evaluateText(NO_MESSAGE) as string;
}

const NO_MESSAGE = new Message(Buffer.alloc(0));

function limitsOf({ max, create, close_after: closeAfter }: z.output<typeof topics>): TopicsByNameSettings {
  return { max, create, closeAfter };
}

function toOneTopic(topic: TopicPort, address: Addressing | undefined, keyOf: Pick<Sink, 'keyOf'>): Sink {
  const turns = new Turns();
  const write =
    address === undefined
      ? (batch: Batch) => topic.write(batch)
      : ({ messages }: Batch) => turns.take(eachOf(messages, address), (ready) => topic.write(new Batch(ready)));
  return {
    open: async () => {},
    write,
    get idle() {
      return topic.idle;
    },
    idle$: topic.idle$,
    ...keyOf,
    close: async () => {},
  };
}

/** A message with the name of its topic. */
interface Named {
  readonly name: string;
  readonly message: Message;
}

function toNamedTopics(
  name: Expression,
  address: Addressing | undefined,
  topicsByName: TopicsByName,
  keyOf: Pick<Sink, 'keyOf'>,
): Sink {
  const turns = new Turns();
  const place = (message: Message, text: Text): Named | undefined | Promise<Named | undefined> => {
    if (text === undefined || text === '')
      return fail(message, new TidegateError('TG_TOPIC_INVALID', `${name.text} gives no name of a topic`));
    const addressed = address === undefined ? message : address(message);
    const named = (ready: Message | undefined) => ready && { name: text, message: ready };
    return addressed instanceof Promise ? addressed.then(named) : named(addressed);
  };
  // The name is that of the message as it came: before it gets the key and headers of its record.
  const one = (message: Message): Named | undefined | Promise<Named | undefined> => {
    try {
      const text = name.evaluateText(message);
      if (!(text instanceof Promise)) return place(message, text);
      return text.then((found) => place(message, found)).catch((error: unknown) => fail(message, error));
    } catch (error) {
      return fail(message, error);
    }
  };
  return {
    open: async () => topicsByName.open(),
    write: ({ messages }) => turns.take(eachOf(messages, one), (named) => writeByName(named, topicsByName)),
    get idle() {
      return topicsByName.idle;
    },
    idle$: topicsByName.idle$,
    ...keyOf,
    close: async () => topicsByName.close(),
  };
}

function writeByName(named: readonly Named[], topicsByName: TopicsByName): void {
  const parts = new Map<string, Message[]>();
  for (const { name, message } of named) {
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [message]);
    else part.push(message);
  }
  for (const [name, messages] of parts) topicsByName.write(name, messages);
}

type Text = string | undefined;
type Addressing = (message: Message) => Message | undefined | Promise<Message | undefined>;

/** Gives a message its key and headers. One whose expression fails is nacked, and there is none. */
function addressing(key: Expression | undefined, headers: Readonly<Record<string, Expression>>): Addressing {
  const names = Object.keys(headers);
  const addressed: Addressing = (message) => {
    try {
      const values = [key?.evaluateText(message), ...names.map((name) => headers[name]?.evaluateText(message))];
      if (!values.some((value) => value instanceof Promise)) return apply(message, values as Text[]);
      return Promise.all(values)
        .then((ready) => apply(message, ready))
        .catch((error: unknown) => fail(message, error));
    } catch (error) {
      return fail(message, error);
    }
  };
  const apply = (message: Message, [keyText, ...headerTexts]: readonly Text[]): Message => {
    const newKey = key === undefined ? message.key : (keyText ?? null);
    if (names.length === 0) return message.withKey(newKey);
    let merged = message.headers;
    for (const [index, name] of names.entries()) {
      const text = headerTexts[index];
      if (text !== undefined) merged = withHeader(merged, name, text);
    }
    return message.derive({ key: newKey, headers: merged });
  };
  return addressed;
}

/** What `one` makes of each message, without those of which it makes nothing; at once where it answers at once. */
function eachOf<T extends object>(
  messages: readonly Message[],
  one: (message: Message) => T | undefined | Promise<T | undefined>,
): T[] | Promise<T[]> {
  return together(messages.map(one), (made) => made.filter((value) => value !== undefined) as T[]);
}

function fail(message: Message, error: unknown): undefined {
  message.nack(asTidegateError(error, 'TG_EXPRESSION_FAILED'));
  return undefined;
}
