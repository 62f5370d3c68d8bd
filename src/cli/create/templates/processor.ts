import { lawTest, type Template } from './template.ts';

export const processorTemplate: Template = {
  what: (component) => `The processor \`${component}\` writes a text field of each message in capitals.`,
  use: (component) => `pipelines:
  notes:
    source: { topic: { names: [ notes ] } }
    processors: [ { ${component}: { field: title } } ]
    sink: { topic: { name: titles } }`,
  source: ({ component }) => `import { defineProcessor, isJsonObject, TidegateError, z } from 'tidegate/sdk';

export default defineProcessor({
  name: '${component}',
  summary: 'Writes a text field in capitals.',
  config: z.strictObject({
    field: z.string().min(1).default('text').describe('Name of the field.'),
  }),
  examples: [
    { title: 'A title in capitals', config: { field: 'title' }, input: '{"title":"tea"}', output: '{"title":"TEA"}' },
  ],
  failures: ['The payload is not a JSON object, or the field is not a text.'],
  create: ({ field }, { logger }) => ({
    // What it throws fails this message alone. What it waits for is cut after 30 s, or the \`timeout\` beside it.
    process: (message) => {
      const { json } = message;
      const text = isJsonObject(json) ? json[field] : undefined;
      if (!isJsonObject(json) || typeof text !== 'string')
        throw new TidegateError('TG_MESSAGE_INVALID', \`the field "\${field}" must be a text\`);
      logger.debug({ field }, 'written in capitals');
      return message.derive({ json: { ...json, [field]: text.toUpperCase() } });
    },
  }),
});
`,
  test: (words) =>
    `${lawTest(words, 'processorLaws').replace(
      "import { test } from 'node:test';\n",
      "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n",
    )}
test('the definition has an example for every setting', () => {
  assert.deepEqual(component.config.parse({}), { field: 'text' });
});
`,
  gateway: ({ component, module }) => `plugins: [ ${module} ]
log: { driver: embedded, embedded: { path: "\${DATA_DIR:./data}" } }
listeners:
  public: { port: "\${PORT:9090}" }
endpoints:
  clients: { listener: public, path: /notes, codec: json }
pipelines:
  notes-in:
    source: { endpoint: clients }
    processors:
      - ${component}: { field: title }
        timeout: 5s
    sink: { topic: { name: notes } }
  notes-out:
    source: { topic: { names: [ notes ] } }
    sink: { endpoint: clients }
tests:
  - name: a title is written in capitals
    pipeline: notes-in
    input: [ { json: { title: tea } }, { json: { title: "" } } ]
    output: { notes: [ { json: { title: TEA } }, { json: { title: "" } } ] }
`,
};
