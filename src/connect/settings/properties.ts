import type { FlatConfig } from './definition.ts';

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** One `key=value` of a file. */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

/**
 * Reads the format of Java's `.properties` files (java.util.Properties.load): `key=value`, `key: value` or `key value`,
 * comments with # and !, lines that go on after a backslash, \t \n \r \f and \uXXXX. Of a key that comes twice the last
 * one counts. Throws an Error with the number of the line where a \u is broken.
 */
export function parseProperties(text: string): FlatConfig {
  return Object.fromEntries(readProperties(text).map(({ key, value }) => [key, value]));
}

/** The same, in the order of the file. */
export function readProperties(text: string): Property[] {
  return logicalLines(text).map(({ line, number }) => {
    const [key, value] = splitLine(line);
    try {
      return { key: unescaped(key), value: unescaped(value), line: number };
    } catch (error) {
      throw new Error(`line ${number}: ${(error as Error).message}`);
    }
  });
}

interface LogicalLine {
  readonly line: string;
  /** Of its first line, from 1. */
  readonly number: number;
}

/** Lines without comments and blank ones, joined where a backslash says so. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let open: { line: string; number: number } | undefined;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const part = raw.replace(/^[ \t\f]+/, '');
    if (open === undefined && (part === '' || part.startsWith('#') || part.startsWith('!'))) continue;
    open ??= { line: '', number: index + 1 };
    const goesOn = /\\*$/.exec(part)?.[0].length ?? 0;
    if (goesOn % 2 === 1) {
      open.line += part.slice(0, -1);
      continue;
    }
    lines.push({ line: open.line + part, number: open.number });
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return lines;
}

/** The key ends at the first `=`, `:` or blank without a backslash before it. */
function splitLine(line: string): [key: string, value: string] {
  let at = 0;
  while (at < line.length && !/[=: \t\f]/.test(line.charAt(at))) at += line.charAt(at) === '\\' ? 2 : 1;
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(at))?.[0] ?? '';
  return [line.slice(0, at), line.slice(at + separator.length)];
}

function unescaped(text: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{4})?|[\s\S])/g, (_match, char: string, hex: string | undefined) => {
    if (!char.startsWith('u')) return ESCAPES[char] ?? char;
    if (hex === undefined) throw new Error('\\u needs four hexadecimal digits');
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
}
