import { lawTest, type Template } from './template.ts';

export const codecTemplate: Template = {
  what: (component) =>
    `The codec \`${component}\` is a wire protocol of texts: clients send \`ID TEXT\` and get \`ok ID\` or \`error ID CODE\`.`,
  use: (component) => `endpoints:
  lines: { listener: public, path: /lines, codec: ${component} }`,
  source: ({ component, typed }) => `import { ${typed('type Codec, ')}defineCodec, z } from 'tidegate/sdk';

// A codec does no I/O: it makes effects of frames, and frames of records and outcomes.
const codec${typed(': Codec<{ readonly clientId: string }>')} = {
  answers: true,
  open: ({ clientId }${typed('')}) => ({ state: { clientId }, effects: [] }),
  frame: (_state, data, binary) => {
    const [, id, text] = (binary ? null : /^(\\w{1,32}) (.*)$/s.exec(data.toString())) ?? [];
    if (id === undefined || text === undefined) {
      const why = 'a frame is ID TEXT';
      return [{ type: 'reply', frame: { data: \`error - \${why}\`, binary: false }, rejected: 'form', why }];
    }
    return [{ type: 'publish', message: { payload: Buffer.from(text) }, correlation: id }];
  },
  settled: (_state, id, rejection) => ({
    data: rejection === null ? \`ok \${id}\` : \`error \${id} \${rejection.code}\`,
    binary: false,
  }),
  record: ({ text }) => ({ data: text, binary: false }),
  dropped: (count) => ({ data: \`dropped \${count}\`, binary: false }),
};

export default defineCodec({
  name: '${component}',
  summary: 'Lines of text with an answer to each.',
  config: z.strictObject({}),
  examples: [{}],
  create: () => codec,
});
`,
  test: (words) => lawTest(words, 'codecLaws'),
  gateway: ({ component, module }) => `plugins: [ ${module} ]
log:
  driver: embedded
  embedded: { path: "\${DATA_DIR:./data}" }
  topics: { lines: {} }
listeners:
  public: { port: "\${PORT:9090}" }
endpoints:
  clients: { listener: public, path: /lines, codec: ${component} }
pipelines:
  lines-in:
    source: { endpoint: clients }
    sink: { topic: { name: lines } }
  lines-out:
    source: { topic: { names: [ lines ] } }
    sink: { endpoint: clients }
tests:
  - name: a line is answered, and all clients receive it
    endpoint: clients
    steps:
      - { client: ada, connect: {} }
      - { client: bob, connect: {} }
      - { client: ada, send: { text: "1 hello" } }
      - { client: bob, expect: [ { text: hello } ] }
      - { client: ada, send: { text: hello } }
      - { client: ada, expect: "*" }
`,
};
