import type { Graph, GraphNode } from './model.ts';

const SHAPES: Readonly<Record<GraphNode['kind'], readonly [string, string]>> = {
  endpoint: ['([', '])'],
  pipeline: ['[', ']'],
  topic: ['[(', ')]'],
  server: ['{{', '}}'],
  other: ['[/', '/]'],
};

/** A flowchart as Mermaid reads it. The same configuration gives the same text. */
export function mermaidOf({ nodes, edges }: Graph): string {
  const ids = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  return [
    'flowchart LR',
    ...nodes.map(({ id, kind, lines }) => {
      const [open, close] = SHAPES[kind];
      return `  ${ids.get(id)}${open}"${lines.map(escaped).join('<br/>')}"${close}`;
    }),
    ...edges.map(({ from, to, label, isSide }) => {
      const text = label === '' ? '' : `|"${escaped(label)}"|`;
      return `  ${ids.get(from)} ${isSide ? '-.->' : '-->'}${text} ${ids.get(to)}`;
    }),
    '',
  ].join('\n');
}

/** Everything but letters, digits and plain marks, by its number: quotes end a label, and Markdown and HTML are read in it. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,:/()-]/gu, (char) => `#${char.codePointAt(0)};`);
}
