import {
  defineProcessor,
  type Expression,
  field,
  type Headers,
  type Message,
  TidegateError,
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
  examples: [
    { json: '${! { "price": json.p, "at": json.t } }' },
    { key: '${! json.symbol }', headers: { source: 'feed' } },
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
            changes.timestamp = millisecondsOf(time, timestamp);
          if (headers !== undefined) changes.headers = mergeHeaders(message.headers, names, headerValues as Text[]);
          return message.derive(changes);
        };
        return values.some((value) => value instanceof Promise) ? Promise.all(values).then(build) : build(values);
      },
    };
  },
});

function required(content: Text, expression: Expression): Buffer {
  if (content !== undefined) return Buffer.from(content);
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression.text} gives no value, so there is no payload`);
}

function millisecondsOf(value: unknown, expression: Expression): number {
  const time = typeof value === 'string' && !/^\d+$/.test(value) ? Date.parse(value) : Number(value);
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression.text} gives no point in time`);
}

function mergeHeaders(old: Headers, names: readonly string[], texts: readonly Text[]): Headers {
  let merged = old;
  for (const [index, name] of names.entries()) {
    const text = texts[index];
    merged = text === undefined ? withoutHeader(merged, name) : withHeader(merged, name, text);
  }
  return merged;
}
