import { defineProcessor, field, quoteValue, TidegateError, writeJson, z } from '../../sdk/index.ts';

export const extract = defineProcessor({
  name: 'extract',
  summary: 'Makes a value within a JSON payload the payload.',
  description:
    'A path is names with dots between them; a number is a position in a list. Numbers keep all their digits. Key, headers and timestamp stay. A record without a value passes.',
  config: z.strictObject({
    path: field.path().describe('Path of the value, such as `data.order`.'),
    as: z
      .enum(['json', 'text'])
      .prefault('json')
      .describe('json: the value as JSON. text: a text without its quotes; all else as JSON.'),
  }),
  failures: ['The payload is not JSON.', 'There is no such value.'],
  examples: [
    {
      title: 'Unwrap an envelope',
      config: { path: 'data.order' },
      input: '{"type":"order","data":{"order":{"id":9007199254740993}}}',
      output: '{"id":9007199254740993}',
    },
    {
      title: 'A text without its quotes',
      config: { path: 'lines.0', as: 'text' },
      input: '{"lines":["first","second"]}',
      output: 'first',
    },
    {
      title: 'A value that is missing fails',
      config: { path: 'data' },
      input: '{"error":"none"}',
      output: { error: 'TG_MESSAGE_INVALID: the payload has no data' },
    },
  ],
  create: ({ path, as }) => ({
    process: (message) => {
      if (message.isTombstone) return message;
      const value = path.in(message.json);
      if (value === undefined)
        throw new TidegateError('TG_MESSAGE_INVALID', `the payload has no ${quoteValue(path.text)}`);
      if (as === 'text')
        return message.derive({ payload: Buffer.from(typeof value === 'string' ? value : (writeJson(value) ?? '')) });
      return message.derive({ json: value });
    },
  }),
});
