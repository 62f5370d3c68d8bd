import {
  defineProcessor,
  type Expression,
  field,
  type Headers,
  type Message,
  pointInTime,
  TidegateError,
  together,
  withHeader,
  withoutHeader,
  z,
} from '../../sdk/index.ts';

type Changes = { payload?: Buffer; key?: string | null; timestamp?: number; headers?: Headers };
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
        .describe('New timestamp: milliseconds since the epoch, or text as in ISO 8601; no value keeps the old one.'),
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
  create: ({ json, text, key, timestamp, headers }) => {
    const headerTexts = Object.values(headers ?? {});
    const names = Object.keys(headers ?? {});
    return {
      process: (message) => {
        const values = [
          json === undefined ? text?.evaluateText(message) : json.evaluateJson(message),
          key?.evaluateText(message),
          timestamp?.evaluate(message),
          ...headerTexts.map((expression) => expression.evaluateText(message)),
        ];
        const build = ([payload, newKey, time, ...headerValues]: readonly unknown[]): Message => {
          const changes: Changes = {};
          if (json !== undefined) changes.payload = required(payload as Text, json);
          if (text !== undefined) changes.payload = required(payload as Text, text);
          if (key !== undefined) changes.key = (newKey as Text) ?? null;
          if (timestamp !== undefined && time !== undefined && time !== null)
            changes.timestamp = pointInTime(time, timestamp);
          if (headers !== undefined) changes.headers = mergeHeaders(message.headers, names, headerValues as Text[]);
          return message.derive(changes);
        };
        return together(values, build);
      },
    };
  },
});

function required(content: Text, expression: Expression): Buffer {
  if (content !== undefined) return Buffer.from(content);
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression.text} gives no value, so there is no payload`);
}

function mergeHeaders(old: Headers, names: readonly string[], texts: readonly Text[]): Headers {
  let merged = old;
  for (const [index, name] of names.entries()) {
    const text = texts[index];
    merged = text === undefined ? withoutHeader(merged, name) : withHeader(merged, name, text);
  }
  return merged;
}
