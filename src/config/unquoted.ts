import { Lexer } from 'yaml';
import { endOfInterpolation } from './interpolate.ts';

/** An interpolation, or other text with braces, that YAML tears apart because it stands there without quotes. */
export interface Unquoted {
  /** Offsets of the interpolation in the text. */
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** Lexemes that `yaml` puts between those of the text; a byte order mark stands in the text itself. */
const MARKS = new Set(['\u0002', '\u0018', '\u001f']);

/** Passes over the text. Each but the first is for an interpolation that leaves its own brackets open. */
const MAX_PASSES = 10;

/**
 * Finds interpolations that need quotes (`{ port: ${PORT:80} }`, `key: ${! a # b }`) and returns the text with each of
 * them blanked out at the same length, so that everything else in the file can still be checked.
 */
export function blankUnquoted(text: string): { readonly text: string; readonly unquoted: readonly Unquoted[] } {
  const unquoted: Unquoted[] = [];
  let blanked = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const found = findTorn(blanked);
    if (found.length === 0) break;
    for (const one of found) unquoted.push(one);
    blanked = blankedOut(blanked, found);
  }
  return { text: blanked, unquoted: unquoted.sort((one, other) => one.start - other.start) };
}

function blankedOut(text: string, found: readonly Unquoted[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end } of found) {
    pieces.push(text.slice(from, start), '_'.repeat(end - start));
    from = end;
  }
  return [...pieces, text.slice(from)].join('');
}

/** In the order of the text, up to one behind which the lexer is in other brackets than the file. */
function findTorn(text: string): Unquoted[] {
  const found: Unquoted[] = [];
  let offset = 0;
  let isScalar = false;
  let isBlock = false;
  let depth = 0;
  let lineEnd = -1;
  let last: { readonly end: number; readonly depth: number } | undefined;
  for (const lexeme of new Lexer().lex(text)) {
    if (MARKS.has(lexeme)) {
      isScalar = lexeme === '\u001f';
      continue;
    }
    if (last === undefined || offset >= last.end) {
      if (last !== undefined && depth !== last.depth) break;
      last = undefined;
      const mayBeTorn = isScalar && !isBlock && (text[offset + lexeme.length] === '{' || lexeme.includes('${'));
      // Looked for once a line: all of a file may be one.
      if (mayBeTorn && offset > lineEnd) lineEnd = endOfLine(text, offset);
      const torn = mayBeTorn ? tornAt(text.slice(0, lineEnd), offset, lexeme) : undefined;
      if (torn !== undefined) {
        found.push(torn);
        last = { end: torn.end, depth };
      }
    }
    if (isScalar) isBlock = false;
    else {
      if (lexeme === '[' || lexeme === '{') depth += 1;
      if (lexeme === ']' || lexeme === '}') depth -= 1;
      if (/^[|>]/.test(lexeme)) isBlock = true;
    }
    isScalar = false;
    offset += lexeme.length;
  }
  return found;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

/** A plain scalar that ends before the interpolation, or the text with braces, does. `line`: all up to the end of its line. */
function tornAt(line: string, offset: number, scalar: string): Unquoted | undefined {
  const scalarEnd = offset + scalar.length;
  if (line[scalarEnd] === '{') {
    const isInterpolation = scalar.endsWith('$');
    const start = isInterpolation ? scalarEnd - 1 : offset;
    const end = isInterpolation ? endOfInterpolation(line, start) : endOfBraces(line, scalarEnd);
    const what = isInterpolation ? 'an interpolation' : 'text with { } in it';
    return end < 0
      ? undefined
      : { start, end, message: `${what} inside { } or [ ] must be quoted: ${quote(line.slice(offset, end))}` };
  }
  const start = offset + openInterpolation(scalar);
  const end = start < offset ? -1 : endOfInterpolation(line, start);
  if (end <= scalarEnd) return undefined;
  return {
    start,
    end,
    message: `YAML cuts this interpolation short; it must be quoted: ${quote(line.slice(offset, end))}`,
  };
}

/** Where text such as `/chat/{room}/{user}` ends that has its first brace at `from`, or -1. */
function endOfBraces(line: string, from: number): number {
  const match = /^(?:\{[\w-]*\}[^\s,{}[\]]*)+/.exec(line.slice(from));
  return match === null ? -1 : from + match[0].length;
}

/** Index of the first `${` without its `}` in the scalar, or -1. */
function openInterpolation(scalar: string): number {
  for (let at = scalar.indexOf('${'); at >= 0; ) {
    const end = endOfInterpolation(scalar, at);
    if (end < 0) return at;
    at = scalar.indexOf('${', end);
  }
  return -1;
}

function quote(text: string): string {
  return text.includes('"') ? `'${text.replaceAll("'", "''")}'` : `"${text}"`;
}
