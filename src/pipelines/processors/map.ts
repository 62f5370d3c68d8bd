import {
  defineProcessor,
  type Expression,
  evaluateTexts,
  field,
  type Headers,
  type Message,
  pointInTime,
  readsBack,
  TidegateError,
  withHeader,
  withoutHeader,
  writeJson,
  z,
} from '../../sdk/index.ts';

type Changes = { payload?: Buffer; parsed?: unknown; key?: string | null; timestamp?: number; headers?: Headers };
type Text = string | undefined;

export const map = defineProcessor({
  name: 'map',
  summary: 'Makes a new payload, key, timestamp or headers from expressions over the message.',
  config: z
    .strictObject({
      json: field.expression().optional().describe('New payload: the value of this expression as JSON.'),
      text: field.expression().optional().describe('New payload: the value of this expression as text.'),
      key: field.expression().optional().describe('New key; no value means no key.'),
      timestamp: field
        .expression()
        .optional()
        .describe(
          'New timestamp: milliseconds since the epoch, or text as in ISO 8601, which is UTC without a zone; no value keeps the old one.',
        ),
      headers: field
        .byName(field.expression())
        .optional()
        .describe('Headers to set, in place of all that the message has by that name; no value leaves a header out.'),
    })
    .refine(({ json, text }) => json === undefined || text === undefined, 'give json or text, not both'),
  failures: ['An expression fails.', 'That of json or text gives no value, or that of timestamp no point in time.'],
  examples: [
    {
      title: 'A new payload',
      config: { json: '${! { "price": json.p, "at": json.t } }' },
      input: '{"p":1.5,"t":1700000000000,"x":0}',
      output: '{"price":1.5,"at":1700000000000}',
    },
    {
      title: 'A key and a header; the payload stays',
      config: { key: '${! json.symbol }', headers: { source: 'feed' } },
      input: '{"symbol":"BTC"}',
      output: { text: '{"symbol":"BTC"}', key: 'BTC', headers: { source: 'feed' } },
    },
    {
      title: 'A payload without a value fails',
      config: { text: '${! json.note }' },
      input: '{}',
      output: { error: 'TG_EXPRESSION_FAILED: ${! json.note } gives no value' },
    },
  ],
  setsKey: ({ key }) => key !== undefined,
  create: (settings) => {
    const mapping = new Mapping(settings);
    return { process: (message) => mapping.process(message) };
  },
});

type Settings = Partial<Readonly<Record<'json' | 'text' | 'key' | 'timestamp', Expression>>> & {
  readonly headers?: Readonly<Record<string, Expression>> | undefined;
};

/** What the expressions gave for a message. */
class Mapping {
  private readonly settings: Settings;
  private readonly headerNames: readonly string[];
  private readonly headerTexts: readonly Expression[];

  constructor(settings: Settings) {
    this.settings = settings;
    this.headerNames = Object.keys(settings.headers ?? {});
    this.headerTexts = Object.values(settings.headers ?? {});
  }

  process(message: Message): Message | Promise<Message> {
    const { key, timestamp } = this.settings;
    const content = this.contentOf(message);
    const newKey = key?.evaluateText(message);
    const time = timestamp?.evaluate(message);
    const texts = evaluateTexts(this.headerTexts, message);
    if (content instanceof Promise || newKey instanceof Promise || time instanceof Promise || texts instanceof Promise)
      return Promise.all([content, newKey, time, texts] as const).then((ready) => this.make(message, ...ready));
    return this.make(message, content, newKey, time, texts);
  }

  /** The value of a new payload where its JSON is that of the value, else the new payload as text. */
  private contentOf(message: Message): unknown {
    const { json, text } = this.settings;
    if (json === undefined) return text?.evaluateText(message);
    return json.isWritten ? json.evaluate(message) : json.evaluateJson(message);
  }

  private make(message: Message, content: unknown, newKey: Text, time: unknown, texts: readonly Text[]): Message {
    const { json, text, key, timestamp } = this.settings;
    const changes: Changes = {};
    if (json !== undefined) setJson(changes, content, json);
    if (text !== undefined) changes.payload = required(content as Text, text);
    if (key !== undefined) changes.key = newKey ?? null;
    if (timestamp !== undefined && time !== undefined && time !== null)
      changes.timestamp = pointInTime(time, timestamp);
    if (texts.length > 0) changes.headers = mergeHeaders(message.headers, this.headerNames, texts);
    return message.derive(changes);
  }
}

function setJson(changes: Changes, content: unknown, json: Expression): void {
  if (!json.isWritten) {
    changes.payload = required(content as Text, json);
    return;
  }
  // The next processor need not parse it again.
  const isKnown = readsBack(content);
  if (isKnown) changes.parsed = content;
  changes.payload = required(isKnown ? JSON.stringify(content) : writeJson(content), json);
}

function required(content: Text, expression: Expression): Buffer {
  if (content !== undefined) return Buffer.from(content);
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression.text} gives no value, so there is no payload`);
}

function mergeHeaders(old: Headers, names: readonly string[], texts: readonly Text[]): Headers {
  let merged = old;
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at] as string; // within the length
    const text = texts[at];
    merged = text === undefined ? withoutHeader(merged, name) : withHeader(merged, name, text);
  }
  return merged;
}
