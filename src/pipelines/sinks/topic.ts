import {
  asTidegateError,
  Batch,
  defineSink,
  type Expression,
  field,
  type Message,
  withHeader,
  z,
} from '../../sdk/index.ts';

export const topicSink = defineSink({
  name: 'topic',
  summary: 'A topic of the log; a message is acked when the log has it.',
  config: z.strictObject({
    name: z.string().min(1).describe('Topic to write to.'),
    key: field.expression().optional().describe('Key of the record; equal keys keep their order. No value: no key.'),
    headers: field
      .byName(field.expression())
      .optional()
      .describe(
        'Headers of the record, in place of all that the message has by that name; no value leaves the message as it is.',
      ),
  }),
  examples: [{ name: 'ws-messages', key: '${! meta.client_id }' }],
  reaches: 'records',
  references: ({ name }) => [{ to: 'topic', name, path: ['name'] }],
  create: ({ name, key, headers }, { gateway }) => {
    const topic = gateway.topic(name);
    const address = key === undefined && headers === undefined ? undefined : addressing(key, headers ?? {});
    // Batches leave in the order they came, also while an expression of an earlier one is still being evaluated.
    let before: Promise<void> | undefined;
    const writeAddressed = (batch: Batch) => {
      const messages = address?.(batch.messages) ?? batch.messages;
      if (!(messages instanceof Promise) && before === undefined) {
        topic.write(new Batch(messages));
        return;
      }
      const turn = Promise.all([messages, before]).then(([ready]) => {
        topic.write(new Batch(ready));
        if (before === turn) before = undefined;
      });
      before = turn;
    };
    return {
      open: async () => {},
      write: address === undefined ? (batch) => topic.write(batch) : writeAddressed,
      get idle() {
        return topic.idle;
      },
      idle$: topic.idle$,
      ...(key === undefined ? {} : { keyOf: (message: Message) => key.evaluateText(message) }),
      close: async () => {},
    };
  },
});

type Text = string | undefined;
type Addressing = (messages: readonly Message[]) => readonly Message[] | Promise<readonly Message[]>;

/** Gives messages their key and headers. One whose expression fails is nacked and left out. */
function addressing(key: Expression | undefined, headers: Readonly<Record<string, Expression>>): Addressing {
  const names = Object.keys(headers);
  const one = (message: Message): Message | undefined | Promise<Message | undefined> => {
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
  return (messages) => {
    const addressed = messages.map(one);
    const isKept = (message: Message | undefined): message is Message => message !== undefined;
    if (addressed.some((message) => message instanceof Promise))
      return Promise.all(addressed).then((ready) => ready.filter(isKept));
    return (addressed as (Message | undefined)[]).filter(isKept);
  };
}

function fail(message: Message, error: unknown): undefined {
  message.nack(asTidegateError(error, 'TG_EXPRESSION_FAILED'));
  return undefined;
}
