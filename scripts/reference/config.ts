import { configRows, type Schema } from '../../src/config/reference/setting-rows.ts';
import { page, table } from './markdown.ts';

const INTRODUCTION = `Durations are written \`5ms\`, \`10s\`, \`1m\`; sizes \`500B\`, \`64KiB\`, \`1MiB\`. Every value may hold
\`\${NAME}\` or \`\${NAME:default}\`, filled in from the environment; \`$\${\` stands for the characters \`\${\`. Inside \`{ }\` and
\`[ ]\` such a value must be quoted. Files and
templates are explained in [configuration](../configuration.md). Codecs, sources, processors and sinks are on [a page of their own](components.md).`;

export function configPage(schema: object): string {
  const sections = configRows(schema as Schema).map(
    ({ name, rows }) => `## ${name}\n\n${table(['setting', 'value', 'default', ''], rows)}`,
  );
  return page('Configuration', INTRODUCTION, ...sections);
}
