import { code } from '../../src/config/reference/setting-rows.ts';
import { commonDefinitions, type Definition, plugins } from '../../src/connect/settings/index.ts';
import { page, table } from './markdown.ts';

const INTRODUCTION = `Settings of [connectors](../connectors.md): one level, all text. The column "in YAML" is the setting of
[\`websocket_client\`](components.md) that it becomes, which explains it in full.`;

/** Every setting of the connectors of this gateway, as \`/connector-plugins/{class}/config\` has it. */
export function connectorsPage(): string {
  const sections = plugins.map(({ type, classes, definitions }) => {
    const title = type === 'source' ? 'Source' : 'Sink';
    return `## ${title}\n\n\`connector.class\` is ${classes.map(code).join(' or ')}.\n\n${settingsTable(definitions)}`;
  });
  return page('Connectors', INTRODUCTION, ...sections, `## All connectors\n\n${settingsTable(commonDefinitions)}`);
}

function settingsTable(definitions: readonly Definition[]): string {
  return table(['setting', 'value', 'default', 'in YAML', ''], definitions.map(rowOf));
}

function rowOf({ name, type, default: fallback, path, documentation }: Definition): string[] {
  return [code(name), type.toLowerCase(), defaultOf(fallback), yamlOf(path), documentation];
}

function defaultOf(fallback: Definition['default']): string {
  if (fallback === undefined) return 'required';
  return fallback === null ? '' : code(fallback);
}

/** The path below the component; elsewhere in the pipeline, all of it. */
function yamlOf(path = ''): string {
  return code(path.replace(/^(?:source|sink)\.websocket_client\./, ''));
}
