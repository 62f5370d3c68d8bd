/** Every generated page begins so, lest someone edits it. */
export const NOTICE = '<!-- Made by `npm run generate`; changes here are lost. -->';

/** A table; cells are Markdown, with `|` and line ends made harmless. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

export function page(title: string, ...blocks: readonly string[]): string {
  return `${[NOTICE, `# ${title}`, ...blocks].join('\n\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
