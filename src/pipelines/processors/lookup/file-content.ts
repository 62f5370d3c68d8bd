import { readFile, stat } from 'node:fs/promises';
import { FieldPath, parseAsWritten, setField, writeJson } from '../../../sdk/index.ts';
import { readCsv } from './csv.ts';
import { type KeptLimits, KeptValues } from './kept-values.ts';

export interface FileFormat {
  readonly format: 'csv' | 'json';
  /** The column, or the path in the objects of a list, that has the key. Undefined: the names of an object are the keys. */
  readonly key?: string | undefined;
  readonly delimiter: string;
}

/** After so many entries other work has its turn. */
const ENTRIES_AT_ONCE = 2_000;

/** The table in a file. Rejects with an Error that says what is wrong with it. */
export async function readTable(path: string, format: FileFormat, limits: KeptLimits): Promise<KeptValues> {
  const { size } = await stat(path);
  if (size > limits.bytes) throw new Error(`it has ${size} bytes, more than file.bytes allows (${limits.bytes})`);
  const text = decoded(await readFile(path));
  const values = new KeptValues(limits);
  let read = 0;
  for (const { key, value, place } of format.format === 'csv' ? rows(text, format) : entries(text, format.key)) {
    if (values.has(key)) throw new Error(`${place}: there is another entry with the key "${shown(key)}"`);
    if (!values.set(key, value))
      throw new Error(`it has more than file.keys (${limits.keys}) or file.bytes (${limits.bytes}) allow`);
    read += 1;
    if (read % ENTRIES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return values;
}

interface Entry {
  readonly key: string;
  /** JSON. */
  readonly value: string;
  readonly place: string;
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8');
  }
}

function* rows(text: string, { key, delimiter }: FileFormat): Generator<Entry> {
  let columns: readonly string[] | undefined;
  let keyAt = -1;
  for (const { line, cells } of readCsv(text, delimiter)) {
    if (columns === undefined) {
      columns = cells;
      keyAt = keyColumn(columns, key);
      continue;
    }
    if (cells.length !== columns.length)
      throw new Error(`line ${line} has ${cells.length} cells, and the first line names ${columns.length} columns`);
    const row: Record<string, string> = {};
    for (const [at, column] of columns.entries()) setField(row, column, cells[at] ?? '');
    yield { key: cells[keyAt] ?? '', value: JSON.stringify(row), place: `line ${line}` };
  }
  if (columns === undefined) throw new Error('it is empty; its first line has to name the columns');
}

function keyColumn(columns: readonly string[], key: string | undefined): number {
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw new Error(`its first line names the column "${shown(twice)}" twice`);
  const at = columns.indexOf(key ?? '');
  if (at >= 0) return at;
  const names = columns.slice(0, 10).map(shown).join(', ');
  throw new Error(`it has no column "${key ?? ''}" for the key; its first line names ${names}`);
}

function* entries(text: string, key: string | undefined): Generator<Entry> {
  const content = parsed(text);
  if (Array.isArray(content)) {
    if (key === undefined) throw new Error('it is a list; say with file.key which field of its objects is the key');
    const path = new FieldPath(key);
    for (const [at, item] of content.entries()) {
      const place = `item ${at}`;
      yield { key: keyIn(path.in(item), `${place}: "${key}"`), value: writeJson(item) ?? 'null', place };
    }
    return;
  }
  if (typeof content !== 'object' || content === null) throw new Error('it is neither a list nor an object');
  if (key !== undefined)
    throw new Error('it is an object, whose names are the keys; leave file.key out, or make it a list of objects');
  for (const [name, value] of Object.entries(content))
    yield { key: name, value: writeJson(value) ?? 'null', place: `"${shown(name)}"` };
}

function keyIn(value: unknown, what: string): string {
  const isText = typeof value === 'string' || typeof value === 'number';
  // A number with more digits than a double has is an object that is written as its digits.
  if (isText || (typeof value === 'object' && value !== null && 'digits' in value)) return String(value);
  throw new Error(`${what} is neither text nor a number`);
}

function parsed(text: string): unknown {
  try {
    return parseAsWritten(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`);
  }
}

function shown(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
