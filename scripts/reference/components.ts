import { exampleRun, exampleYaml } from '../../src/config/reference/example-text.ts';
import { toJsonSchema } from '../../src/config/reference/json-schema.ts';
import { rowsOf, type Schema, valuesOf } from '../../src/config/reference/setting-rows.ts';
import type { ComponentSpec, Kind } from '../../src/sdk/define.ts';
import { type Example, titledExample } from '../../src/sdk/example.ts';
import type { Registry } from '../../src/sdk/registry.ts';
import { page, table } from './markdown.ts';

const KINDS: readonly (readonly [Kind, string, string])[] = [
  ['codec', 'Codecs', 'The wire protocol of an endpoint: `codec: NAME` or `codec: { NAME: settings }`.'],
  ['source', 'Sources', 'Where a pipeline gets its messages: `source: { NAME: settings }`.'],
  [
    'processor',
    'Processors',
    'What a pipeline does with each message: `processors: [ { NAME: settings } ]`. `on_error` beside one of them, and `try` with `catch` around some, are explained in [processors](../processors.md). The examples are run by a test.',
  ],
  ['operator', 'Operators', 'What a pipeline does with the flow of messages; they stand in the list of processors.'],
  ['sink', 'Sinks', 'Where a pipeline puts its messages: `sink: { NAME: settings }`.'],
];

const INTRODUCTION = `A component without settings may be written as its name alone. Text of a processor or sink may have \`\${! expr }\` in
it, [JSONata](https://jsonata.org) over \`json text key headers headers_all meta topic partition offset timestamp auth\` of a message.
\`headers.NAME\` is the value of the last header of that name, \`headers_all.NAME\` a list of all of them in their order.`;

export function componentsPage(registry: Registry): string {
  const sections = KINDS.flatMap(([kind, title, text]) => {
    const specs = registry.all(kind);
    return specs.length === 0 ? [] : [`## ${title}\n\n${text}`, ...specs.map(section)];
  });
  return page('Components', INTRODUCTION, ...sections);
}

function section(spec: ComponentSpec): string {
  const schema = toJsonSchema(spec.config) as Schema;
  const rows = rowsOf(schema, '');
  const blocks = [`### ${spec.name}`, spec.summary];
  if (spec.description !== undefined) blocks.push(spec.description);
  if (schema.type !== 'object') blocks.push(`Its setting is ${article(valuesOf(schema))}.`);
  else if (rows.length === 0 || Object.keys(schema.properties ?? {}).length === 0) blocks.push('It has no settings.');
  else blocks.push(table(['setting', 'value', 'default', ''], rows));
  const { failures = [] } = spec;
  if (failures.length > 0) blocks.push(`A message fails:\n\n${failures.map((failure) => `- ${failure}`).join('\n')}`);
  const plain = spec.examples.filter((example) => titledExample(example) === undefined);
  if (plain.length > 0) blocks.push(examplesOf(spec.name, plain));
  for (const example of spec.examples) blocks.push(...titledBlocks(spec.name, titledExample(example)));
  return blocks.join('\n\n');
}

/** A title, the settings, and what goes in and comes out. */
function titledBlocks(name: string, example: Example<unknown> | undefined): string[] {
  if (example === undefined) return [];
  const { title, config, input, output } = example;
  const blocks = [`${title}:`, examplesOf(name, [config])];
  if (input === undefined || output === undefined) return blocks;
  return [...blocks, ['```text', ...exampleRun(input, output), '```'].join('\n')];
}

function examplesOf(name: string, examples: readonly unknown[]): string {
  return `\`\`\`yaml\n${examples.map((example) => exampleYaml(name, example)).join('---\n')}\`\`\``;
}

function article(values: string): string {
  return values === 'text' ? 'a name' : values;
}
