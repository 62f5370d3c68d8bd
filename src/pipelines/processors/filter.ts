import { defineProcessor, field, z } from '../../sdk/index.ts';

export const filter = defineProcessor({
  name: 'filter',
  summary: 'Lets a message pass where an expression is true; the others end here and count as done.',
  config: z.strictObject({
    keep: field.condition().describe('Kept where this is true; no value, false, 0 and "" mean no.'),
  }),
  failures: ['The expression fails.'],
  examples: [
    {
      title: 'By a field',
      config: { keep: "${! json.messageType = 'USER' }" },
      input: '{"messageType":"SYSTEM"}',
      output: null,
    },
    {
      title: 'By a header that is there and not empty',
      config: { keep: '${! headers.important }' },
      input: { text: 'hello', headers: { important: 'yes' } },
      output: { text: 'hello', headers: { important: 'yes' } },
    },
  ],
  create: ({ keep }) => ({
    process: (message) => {
      const verdict = keep.evaluate(message);
      return verdict instanceof Promise ? verdict.then((value) => (value ? message : null)) : verdict ? message : null;
    },
  }),
});
