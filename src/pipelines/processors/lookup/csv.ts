/** A record of a CSV file; `line`: where it begins, from 1 on. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The records of a CSV text (RFC 4180): cells may be in double quotes, with doubled quotes and line breaks in them. Lines
 * end with LF or CRLF; empty lines are skipped. Throws an Error that says in which line something is wrong.
 */
export function* readCsv(text: string, delimiter: string): Generator<CsvRecord> {
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = line;
    const cells: string[] = [];
    let isEnded = false;
    while (!isEnded) {
      const cell = text[at] === '"' ? quotedCell(text, at, start) : plainCell(text, at, delimiter);
      cells.push(cell.text);
      line += cell.breaks;
      at = cell.end;
      if (text[at] === delimiter) {
        at += 1;
        continue;
      }
      const ending = lineEndAt(text, at);
      if (ending === undefined) throw new Error(`line ${line} has characters behind a closing quote`);
      at += ending;
      line += 1;
      isEnded = true;
    }
    if (cells.length > 1 || cells[0] !== '') yield { line: start, cells };
  }
}

interface Cell {
  readonly text: string;
  /** Index behind it. */
  readonly end: number;
  /** Line breaks in it. */
  readonly breaks: number;
}

function plainCell(text: string, from: number, delimiter: string): Cell {
  let end = from;
  while (end < text.length && text[end] !== delimiter && lineEndAt(text, end) === undefined) end += 1;
  return { text: text.slice(from, end), end, breaks: 0 };
}

function quotedCell(text: string, from: number, line: number): Cell {
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) throw new Error(`the quote that begins in the record of line ${line} is never closed`);
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const content = text.slice(from + 1, end);
  return { text: content.replaceAll('""', '"'), end: end + 1, breaks: content.split('\n').length - 1 };
}

/** The length of a line's end; 0 at the end of the text; undefined where there is none. */
function lineEndAt(text: string, at: number): number | undefined {
  if (at >= text.length) return 0;
  if (text[at] === '\n') return 1;
  return text[at] === '\r' && text[at + 1] === '\n' ? 2 : undefined;
}
