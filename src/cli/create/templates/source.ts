import { lawTest, RXJS, type Template } from './template.ts';

export const sourceTemplate: Template = {
  what: (component) => `The source \`${component}\` gives a message with a number in every interval.`,
  use: (component) => `pipelines:
  numbers:
    source: { ${component}: { every: 1s } }
    sink: { topic: { name: numbers } }`,
  dependencies: RXJS,
  source: ({ component, typed }) => `import { Subject } from 'rxjs';
import { Batch, defineSource, field, Message, z } from 'tidegate/sdk';

export default defineSource({
  name: '${component}',
  summary: 'Numbers, one in every interval.',
  config: z.strictObject({
    every: field.duration().prefault('1s').describe('Time between two numbers.'),
  }),
  examples: [{ every: '1s' }],
  // Each gateway counts for itself.
  sharing: () => 'own',
  meta: ['number'],
  create: ({ every }, { clock }) => {
    const batches$ = new Subject${typed('<Batch>')}();
    let number = 0;
    let cancel = () => {};
    const next = () => {
      cancel = clock.after(every, () => {
        number += 1;
        const message = new Message(Buffer.from(JSON.stringify({ number })), { meta: { number } });
        next();
        batches$.next(new Batch([message]));
      });
    };
    return {
      batches$,
      open: async () => next(),
      // The pipeline has as many messages as it may: nothing comes until it resumes.
      pause: () => cancel(),
      resume: () => {
        cancel();
        next();
      },
      close: async () => cancel(),
    };
  },
});
`,
  test: (words) => lawTest(words, 'sourceLaws'),
  gateway: ({ component, module }) => `plugins: [ ${module} ]
log:
  driver: embedded
  embedded: { path: "\${DATA_DIR:./data}" }
  topics: { numbers: {} }
pipelines:
  numbers:
    source: { ${component}: { every: 1s } }
    processors: [ { fields: { set: { doubled: "\${! json.number * 2 }" } } } ]
    sink: { topic: { name: numbers, key: "\${! meta.number }" } }
tests:
  - name: a number is stored with its double
    pipeline: numbers
    input: [ { json: { number: 4 }, meta: { number: 4 } } ]
    output: { numbers: [ { json: { number: 4, doubled: 8 }, key: "4" } ] }
`,
};
