import { builtinRegistry, loadRegistry } from '../config/index.ts';
import type { Kind } from '../sdk/define.ts';
import type { Registry } from '../sdk/registry.ts';
import { columns, plainText } from './terminal-text.ts';

/** In the order in which a message meets them. */
const KINDS: readonly (readonly [plural: string, kind: Kind])[] = [
  ['sources', 'source'],
  ['processors', 'processor'],
  ['operators', 'operator'],
  ['sinks', 'sink'],
  ['codecs', 'codec'],
];

export interface ListOptions {
  /** A configuration whose plugins are listed, too. */
  readonly config?: string;
  readonly json?: boolean;
}

/** Prints the components of a kind, or all. Resolves with the exit code. */
export async function listComponents(plural: string | undefined, { config, json }: ListOptions): Promise<number> {
  const registry = await registryFor(config);
  const kinds = KINDS.filter(([name]) => plural === undefined || name === plural);
  const groups = kinds.map(([name, kind]) => ({ name, components: registry.all(kind) }));
  if (json === true) {
    const all = groups.flatMap(({ components }) =>
      components.map(({ kind, name, summary }) => ({ kind, name, summary: plainText(summary) })),
    );
    console.log(JSON.stringify(all, null, 2));
    return 0;
  }
  const blocks = groups.map(({ name, components }) => {
    const rows = components.map((component) => [component.name, plainText(component.summary)]);
    return plural === undefined ? [name, ...columns(rows, '  ')].join('\n') : columns(rows, '').join('\n');
  });
  console.log(blocks.join('\n\n'));
  return 0;
}

/** Ours, and those of the plugins of a file. */
export async function registryFor(file: string | undefined): Promise<Registry> {
  return file === undefined ? builtinRegistry() : loadRegistry(file);
}
