import { defineProcessor, isJsonObject, TidegateError, z } from 'tidegate/sdk';

export default defineProcessor({
  name: 'mask_card',
  summary: 'Writes a text field in capitals.',
  config: z.strictObject({
    field: z.string().min(1).default('text').describe('Name of the field.'),
  }),
  examples: [
    { title: 'A title in capitals', config: { field: 'title' }, input: '{"title":"tea"}', output: '{"title":"TEA"}' },
  ],
  failures: ['The payload is not a JSON object, or the field is not a text.'],
  create: ({ field }, { logger }) => ({
    // What it throws fails this message alone. What it waits for is cut after 30 s, or the `timeout` beside it.
    process: (message) => {
      const { json } = message;
      const text = isJsonObject(json) ? json[field] : undefined;
      if (!isJsonObject(json) || typeof text !== 'string')
        throw new TidegateError('TG_MESSAGE_INVALID', `the field "${field}" must be a text`);
      logger.debug({ field }, 'written in capitals');
      return message.derive({ json: { ...json, [field]: text.toUpperCase() } });
    },
  }),
});
