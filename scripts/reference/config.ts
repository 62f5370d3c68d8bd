import { page, table } from './markdown.ts';
import { type Row, rowsOf, type Schema } from './settings.ts';

/** Settings that name a component have their own page. */
const COMPONENTS = new Set(['codec', 'source', 'sink', 'processors']);

const INTRODUCTION = `Durations are written \`5ms\`, \`10s\`, \`1m\`; sizes \`500B\`, \`64KiB\`, \`1MiB\`. Every value may hold
\`\${NAME}\` or \`\${NAME:default}\`, filled in from the environment; \`$\${\` stands for the characters \`\${\`. Inside \`{ }\` and
\`[ ]\` such a value must be quoted. Files and
templates are explained in [configuration](../configuration.md). Codecs, sources, processors and sinks are on [a page of their own](components.md).`;

export function configPage(schema: object): string {
  const sections = Object.entries((schema as Schema).properties ?? {}).map(([name, section]) => {
    const rows = rowsOf(withoutComponents(section), name).map(asRow);
    return `## ${name}\n\n${table(['setting', 'value', 'default', ''], rows)}`;
  });
  return page('Configuration', INTRODUCTION, ...sections);
}

function asRow([name, values, fallback, description]: Row): Row {
  const last = name.replaceAll('`', '').split('.').at(-1) ?? '';
  return COMPONENTS.has(last)
    ? [name, `[${last}](components.md)`, fallback, description]
    : [name, values, fallback, description];
}

/** Takes the settings of components out, and leaves that there is one. */
function withoutComponents(schema: Schema): Schema {
  const { properties, additionalProperties } = schema;
  const plain = Object.entries(properties ?? {}).map(([name, setting]) => {
    const { description, default: fallback } = setting;
    return [
      name,
      COMPONENTS.has(name)
        ? { description, ...(fallback === undefined ? {} : { default: fallback }) }
        : withoutComponents(setting),
    ] as const;
  });
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(plain) as Schema['properties'] }),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: withoutComponents(additionalProperties) }
      : {}),
  } as Schema;
}
