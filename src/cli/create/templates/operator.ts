import { lawTest, RXJS, type Template } from './template.ts';

export const operatorTemplate: Template = {
  what: (component) => `The operator \`${component}\` passes every n-th message on, and ends the others.`,
  use: (component) => `pipelines:
  sampled:
    source: { topic: { names: [ prices ] } }
    processors: [ { ${component}: { every: 10 } } ]
    sink: { topic: { name: prices.sampled } }`,
  dependencies: RXJS,
  source: ({ component, typed }) => `import { map } from 'rxjs';
import { Batch, defineOperator, field, ${typed('type Message, type OperatorHost, ')}z } from 'tidegate/sdk';

export default defineOperator({
  name: '${component}',
  summary: 'Passes every n-th message on.',
  config: z.strictObject({
    every: field.integer({ min: 1 }).default(2).describe('How many messages there are to one that goes on.'),
  }),
  examples: [{ every: 2 }, { every: 1 }],
  stateful: false,
  // Which messages go on depends on where it started, so it may decide otherwise about one that is read again.
  isRepeatable: false,
  create: ({ every }) => {
    let count = 0;
    const goesOn = (message${typed(': Message')}, host${typed(': OperatorHost')}) => {
      if (message.isSettled) return false;
      count = (count + 1) % every;
      if (count === 0) return true;
      host.filter(message);
      return false;
    };
    return {
      // Every message is in a batch that goes on, once, or is ended by the host.
      apply: (batches$, host) =>
        batches$.pipe(map(({ messages }) => new Batch(messages.filter((message) => goesOn(message, host))))),
    };
  },
});
`,
  test: (words) => lawTest(words, 'operatorLaws'),
  gateway: ({ component, module }) => `plugins: [ ${module} ]
log:
  driver: embedded
  embedded: { path: "\${DATA_DIR:./data}" }
  topics: { prices: {}, prices.sampled: {} }
pipelines:
  sampled:
    source: { topic: { names: [ prices ], from: earliest, group: sampled } }
    processors: [ { ${component}: { every: 2 } } ]
    sink: { topic: { name: prices.sampled } }
tests:
  - name: every second price goes on
    pipeline: sampled
    input: [ { json: 1 }, { json: 2 }, { json: 3 }, { json: 4 }, { json: 5 } ]
    output: { prices.sampled: [ { json: 2 }, { json: 4 } ] }
`,
};
