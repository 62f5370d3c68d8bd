import { isUtf8 } from 'node:buffer';
import { isJsonObject, quoteValue } from '../../sdk/index.ts';
import { ByteWriter } from './base/byte-writer.ts';
import { invalid } from './base/failure.ts';
import { JsonWriter } from './base/json-writer.ts';
import { digitsOf } from './base/numbers.ts';

export interface CsvForm {
  /** One character between fields. */
  readonly delimiter: string;
  /** Whether the first row has the names of the columns. */
  readonly header: boolean;
  /** Names of the columns, where they are not in the first row, or not in the order wanted. */
  readonly columns?: readonly string[] | undefined;
}

/** Rows (RFC 4180) as a list of objects, or of lists where nothing names the columns. Every value is a text. */
export function decodeCsv(payload: Buffer, form: CsvForm, limit: number): Buffer {
  if (!isUtf8(payload)) throw invalid('it is not UTF-8');
  const json = new JsonWriter(limit);
  const rows = new Rows(payload.toString('utf8').replace(/^\uFEFF/, ''), form.delimiter);
  const found = form.header ? rows.next() : undefined;
  const names = form.columns ?? found;
  if (names !== undefined && new Set(names).size < names.length) throw invalid('two columns have one name');
  json.begin('[');
  for (let row = rows.next(); row !== undefined; row = rows.next()) writeRow(row, names, json, rows.count);
  json.end(']');
  return json.finish();
}

function writeRow(row: readonly string[], names: readonly string[] | undefined, json: JsonWriter, number: number) {
  if (names !== undefined && row.length !== names.length)
    throw invalid(`row ${number} has ${row.length} values, and there are ${names.length} columns`);
  json.begin(names === undefined ? '[' : '{');
  for (let index = 0; index < row.length; index += 1) {
    if (names !== undefined) json.name(names[index] as string);
    json.string(row[index] as string);
  }
  json.end(names === undefined ? ']' : '}');
}

/** Rows of a text, one after the other; empty lines are left out. */
class Rows {
  /** How many were given. */
  count = 0;
  private readonly text: string;
  private readonly delimiter: string;
  private at = 0;

  constructor(text: string, delimiter: string) {
    this.text = text;
    this.delimiter = delimiter;
  }

  next(): string[] | undefined {
    while (this.isLineEnd()) this.passLineEnd();
    if (this.at >= this.text.length) return undefined;
    this.count += 1;
    const row: string[] = [];
    for (;;) {
      row.push(this.text[this.at] === '"' ? this.quoted() : this.plain());
      if (this.text[this.at] !== this.delimiter) break;
      this.at += 1;
    }
    if (this.at < this.text.length && !this.isLineEnd())
      throw invalid(`row ${this.count} has text behind a closing quotation mark`);
    this.passLineEnd();
    return row;
  }

  private isLineEnd(): boolean {
    return this.text[this.at] === '\n' || this.text[this.at] === '\r';
  }

  private passLineEnd(): void {
    this.at += this.text[this.at] === '\r' && this.text[this.at + 1] === '\n' ? 2 : 1;
  }

  private plain(): string {
    const from = this.at;
    while (this.at < this.text.length && !this.isLineEnd() && this.text[this.at] !== this.delimiter) {
      if (this.text[this.at] === '"')
        throw invalid(`row ${this.count} has a quotation mark within a value that does not begin with one`);
      this.at += 1;
    }
    return this.text.slice(from, this.at);
  }

  private quoted(): string {
    let value = '';
    for (let from = this.at + 1; ; from = this.at + 1) {
      this.at = this.text.indexOf('"', from);
      if (this.at < 0) throw invalid(`row ${this.count} has a quotation mark that is not closed`);
      value += this.text.slice(from, this.at);
      this.at += 1;
      if (this.text[this.at] !== '"') return value;
      value += '"';
    }
  }
}

/** A list of objects or lists, or one object, as rows. Throws TG_MESSAGE_INVALID for what a cell cannot hold. */
export function encodeCsv(value: unknown, { delimiter, header, columns }: CsvForm, limit: number): Buffer {
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value];
  const first = rows[0];
  const names = columns ?? (isJsonObject(first) ? Object.keys(first) : undefined);
  const known = new Set(names);
  const writer = new ByteWriter(limit);
  const needsQuotes = new RegExp(`[\\r\\n"\\u${delimiter.charCodeAt(0).toString(16).padStart(4, '0')}]`);
  const line = (cells: readonly string[]) => {
    const quoted = cells.map((cell) => (needsQuotes.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell));
    // A row of one empty cell would be an empty line.
    writer.text(`${quoted.length === 1 && quoted[0] === '' ? '""' : quoted.join(delimiter)}\r\n`);
  };
  if (header && names !== undefined) line(names);
  for (const [index, row] of rows.entries()) line(cellsOf(row, names, known, `/${index}`));
  return writer.finish();
}

/** `known`: the names again, as rows may be wide. */
function cellsOf(
  row: unknown,
  names: readonly string[] | undefined,
  known: ReadonlySet<string>,
  place: string,
): string[] {
  if (Array.isArray(row)) {
    if (names !== undefined && row.length !== names.length)
      throw invalid(`${place} has ${row.length} values, and there are ${names.length} columns`);
    return row.map((cell, index) => cellText(cell, `${place}/${index}`));
  }
  if (!isJsonObject(row) || names === undefined) throw invalid(`${place} is not a row: give objects or lists`);
  const unknown = Object.keys(row).find((name) => !known.has(name));
  if (unknown !== undefined) throw invalid(`${place} has the field ${quoteValue(unknown)}, which is not a column`);
  return names.map((name) => cellText(Object.hasOwn(row, name) ? row[name] : null, `${place}/${quoteValue(name)}`));
}

function cellText(value: unknown, place: string): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  const digits = digitsOf(value);
  if (digits === undefined) throw invalid(`${place} is an object or a list, which a cell cannot hold`);
  return digits;
}
