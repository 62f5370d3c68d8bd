import { stringify } from 'yaml';
import { toJsonSchema } from '../../src/config/json-schema.ts';
import type { ComponentSpec, Kind } from '../../src/sdk/define.ts';
import type { Registry } from '../../src/sdk/registry.ts';
import { page, table } from './markdown.ts';
import { rowsOf, type Schema, valuesOf } from './settings.ts';

const KINDS: readonly (readonly [Kind, string, string])[] = [
  ['codec', 'Codecs', 'The wire protocol of an endpoint: `codec: NAME` or `codec: { NAME: settings }`.'],
  ['source', 'Sources', 'Where a pipeline gets its messages: `source: { NAME: settings }`.'],
  ['processor', 'Processors', 'What a pipeline does with each message: `processors: [ { NAME: settings } ]`.'],
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
  if (schema.type !== 'object') blocks.push(`Its setting is ${article(valuesOf(schema))}.`);
  else if (rows.length === 0 || Object.keys(schema.properties ?? {}).length === 0) blocks.push('It has no settings.');
  else blocks.push(table(['setting', 'value', 'default', ''], rows));
  if (spec.examples.length > 0) blocks.push(examplesOf(spec));
  return blocks.join('\n\n');
}

function examplesOf({ name, examples }: ComponentSpec): string {
  const texts = examples.map((example) => {
    const isBare = typeof example === 'object' && example !== null && Object.keys(example).length === 0;
    return isBare ? `${name}\n` : stringify({ [name]: example }, { lineWidth: 100 });
  });
  return `\`\`\`yaml\n${texts.join('---\n')}\`\`\``;
}

function article(values: string): string {
  return values === 'text' ? 'a name' : values;
}
