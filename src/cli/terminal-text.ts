/** Columns of a line where the output is not a terminal. */
const DEFAULT_WIDTH = 100;

/** Markdown of the reference as plain text: without back-ticks, and links by their words. */
export function plainText(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '')
    .replaceAll(/`` (.*?) ``/g, '$1')
    .replaceAll(/`([^`]*)`/g, '$1');
}

/** Broken between words into lines with an indentation; the line breaks of the text stay. */
export function wrapped(text: string, indent: string, width = process.stdout.columns || DEFAULT_WIDTH): string[] {
  const room = Math.max(20, width - indent.length);
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > room) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line].map((one) => (one === '' ? '' : indent + one));
  });
}

/** Cells below each other, all columns but the last filled up with blanks. */
export function columns(rows: readonly (readonly string[])[], indent: string): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)));
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}
