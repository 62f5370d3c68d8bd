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

/**
 * Finds interpolations that need quotes (`{ port: ${PORT:80} }`, `key: ${! a # b }`) and returns the text with each of
 * them blanked out at the same length, so that everything else in the file can still be checked.
 */
export function blankUnquoted(text: string): { readonly text: string; readonly unquoted: readonly Unquoted[] } {
  const unquoted: Unquoted[] = [];
  let blanked = text;
  for (let found = findTorn(blanked); found !== undefined; found = findTorn(blanked)) {
    unquoted.push(found);
    const { start, end } = found;
    blanked = blanked.slice(0, start) + '_'.repeat(end - start) + blanked.slice(end);
  }
  return { text: blanked, unquoted };
}

function findTorn(text: string): Unquoted | undefined {
  let offset = 0;
  let isScalar = false;
  let isBlock = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (MARKS.has(lexeme)) {
      isScalar = lexeme === '\u001f';
      continue;
    }
    if (isScalar && !isBlock) {
      const torn = tornAt(text, offset, lexeme);
      if (torn !== undefined) return torn;
    }
    if (isScalar) isBlock = false;
    else if (/^[|>]/.test(lexeme)) isBlock = true;
    isScalar = false;
    offset += lexeme.length;
  }
  return undefined;
}

/** A plain scalar that ends before the interpolation, or the text with braces, does. */
function tornAt(text: string, offset: number, scalar: string): Unquoted | undefined {
  const scalarEnd = offset + scalar.length;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(0, lineEnd < 0 ? text.length : lineEnd);
  if (line[scalarEnd] === '{') {
    const isInterpolation = scalar.endsWith('$');
    const start = isInterpolation ? scalarEnd - 1 : offset;
    const end = isInterpolation ? endOfInterpolation(line, start) : endOfBraces(line, scalarEnd);
    const what = isInterpolation ? 'an interpolation' : 'text with { } in it';
    return end < 0
      ? undefined
      : { start, end, message: `${what} inside { } or [ ] must be quoted: ${quote(text.slice(offset, end))}` };
  }
  const start = offset + openInterpolation(scalar);
  const end = start < offset ? -1 : endOfInterpolation(line, start);
  if (end <= scalarEnd) return undefined;
  return {
    start,
    end,
    message: `YAML cuts this interpolation short; it must be quoted: ${quote(text.slice(offset, end))}`,
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
