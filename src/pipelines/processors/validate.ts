import { defineProcessor, field, SchemaCheck, TidegateError, z } from '../../sdk/index.ts';
import { readJsonSchema } from '../formats/schema-source.ts';

/** Bytes of a payload in which every mistake is looked for; each takes some hundred bytes for a moment. */
const MAX_SEARCHED = 65_536;

export const validate = defineProcessor({
  name: 'validate',
  summary: 'Lets a message pass whose payload fits a JSON Schema; the others fail.',
  description:
    'The payload goes on as it came, byte by byte. Drafts 2020-12 (also without a `$schema`), 2019-09 and 07, with the formats of [ajv-formats](https://ajv.js.org/packages/ajv-formats.html). A `$ref` leads to a place in the same schema. A `pattern` is matched in time that grows with the length of the text alone, so it has neither backreferences nor look-around. Limits such as `maximum` compare numbers as doubles. Of a payload above 64 KiB, and by a schema that refers to itself, only the first mistake is named. In such a schema name what tells the branches of `oneOf` and `anyOf` apart before what leads back, else each level of the payload doubles the time. A record without a value passes.',
  config: z
    .strictObject({
      schema: z.record(z.string(), z.unknown()).optional().describe('The schema itself.'),
      file: field
        .plainText()
        .min(1, 'expected the path of a file')
        .optional()
        .describe(
          'Path of a file with the schema as JSON, read at the start, relative to the directory in which Tidegate is started.',
        ),
    })
    .transform(({ schema, file }, context) => {
      if ((schema === undefined) === (file === undefined)) {
        context.issues.push({ code: 'custom', message: 'give either schema or file', input: schema });
        return z.NEVER;
      }
      try {
        return { check: new SchemaCheck(schema ?? readJsonSchema(file ?? '')) };
      } catch (error) {
        const path = [file === undefined ? 'schema' : 'file'];
        context.issues.push({ code: 'custom', message: (error as Error).message, input: file ?? schema, path });
        return z.NEVER;
      }
    }),
  failures: ['The payload is not JSON.', 'It does not fit: the error names up to ten places and what is wrong there.'],
  examples: [
    {
      title: 'Every mistake, with its place',
      config: {
        schema: {
          type: 'object',
          required: ['id', 'items'],
          properties: {
            id: { type: 'integer' },
            items: { type: 'array', items: { properties: { price: { type: 'number', minimum: 0 } } } },
          },
        },
      },
      input: '{"id":"7","items":[{"price":1.5},{"price":-1}]}',
      output: {
        error:
          'TG_MESSAGE_INVALID: the payload does not fit its schema: /id must be integer; /items/1/price must be >= 0',
      },
    },
    {
      title: 'What fits passes as it came',
      config: { schema: { type: 'object', properties: { id: { type: 'integer' } } } },
      input: '{ "id": 9007199254740993, "price": 1.10 }',
      output: '{ "id": 9007199254740993, "price": 1.10 }',
    },
  ],
  create: ({ check }) => ({
    process: (message) => {
      if (message.isTombstone) return message;
      const mistakes = check.mistakesIn(message.plainJson, message.payload.length > MAX_SEARCHED);
      if (mistakes === undefined) return message;
      throw new TidegateError('TG_MESSAGE_INVALID', `the payload does not fit its schema: ${mistakes}`);
    },
  }),
});
