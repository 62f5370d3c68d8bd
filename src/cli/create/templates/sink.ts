import { lawTest, RXJS, type Template } from './template.ts';

export const sinkTemplate: Template = {
  what: (component) => `The sink \`${component}\` appends each message to a file, one line each.`,
  use: (component) => `pipelines:
  archive:
    source: { topic: { names: [ orders ], group: archive } }
    sink: { ${component}: { file: orders.jsonl } }`,
  dependencies: RXJS,
  source: ({ component, typed }) => `import { appendFile } from 'node:fs/promises';
import { Subject } from 'rxjs';
import { asTidegateError, ${typed('type Batch, ')}defineSink, z } from 'tidegate/sdk';

export default defineSink({
  name: '${component}',
  summary: 'A file, with one line for each message.',
  config: z.strictObject({
    file: z.string().min(1).describe('The file; it is created where it is missing.'),
  }),
  examples: [{ file: '/tmp/${component}.jsonl' }],
  reaches: 'records',
  create: ({ file }, { tracer }) => {
    const idle$ = new Subject${typed('<void>')}();
    let pending = 0;
    // One write at a time, so that lines are in the order of the batches.
    let last = Promise.resolve();
    const append = async (batch${typed(': Batch')}) => {
      const span = tracer.span(batch, 'append to a file');
      try {
        await appendFile(file, batch.messages.map(({ text }) => \`\${text}\\n\`).join(''));
        span.end();
        // Every message is settled once: acked where it is safe, nacked where it is not.
        batch.ack();
      } catch (error) {
        span.end(error);
        batch.nack(asTidegateError(error, 'TG_RECORD_REFUSED'));
      }
      pending -= 1;
      if (pending === 0) idle$.next();
    };
    return {
      open: async () => {},
      write(batch) {
        pending += 1;
        last = last.then(() => append(batch));
      },
      get idle() {
        return pending === 0;
      },
      idle$,
      close: async () => last,
    };
  },
});
`,
  test: (words) => {
    const options = `, { configs: [{ file }], runs: 20 }`;
    return lawTest(words, 'sinkLaws', options)
      .replace(
        "import { test } from 'node:test';\n",
        "import { mkdtempSync, rmSync } from 'node:fs';\nimport { tmpdir } from 'node:os';\nimport { join } from 'node:path';\nimport { after, test } from 'node:test';\n",
      )
      .replace(
        '\n// What every',
        `\nconst folder = mkdtempSync(join(tmpdir(), '${words.file}-'));\nafter(() => rmSync(folder, { recursive: true }));\nconst file = join(folder, 'messages.jsonl');\n\n// What every`,
      );
  },
  gateway: ({ component, module }) => `plugins: [ ${module} ]
log:
  driver: embedded
  embedded: { path: "\${DATA_DIR:./data}" }
  topics: { orders: {} }
pipelines:
  archive:
    source: { topic: { names: [ orders ], from: earliest, group: archive } }
    processors: [ { filter: { keep: "\${! json.total > 0 }" } } ]
    sink: { ${component}: { file: "\${ARCHIVE:./orders.jsonl}" } }
tests:
  - name: orders of nothing are not archived
    pipeline: archive
    input: [ { json: { total: 5 } }, { json: { total: 0 } } ]
    output: { ${component}: [ { json: { total: 5 } } ] }
`,
};
