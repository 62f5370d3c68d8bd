import { Lexer } from 'yaml';
import { endOfInterpolation } from './interpolate.ts';

/** An interpolation, or other text with braces, that YAML tears apart because it is not in quotes. */
export interface Unquoted {
  /** Offsets of the interpolation in the text. */
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

interface Lexeme {
  readonly offset: number;
  /** The text of a scalar; undefined for all other lexemes. */
  readonly scalar: string | undefined;
  /** How many brackets are open in front of it. */
  readonly depth: number;
}

/** What `yaml` puts between the lexemes of the text: the document begins, the flow collection was not closed, a scalar follows. */
const DOCUMENT = '\u0002';
const FLOW_ERROR = '\u0018';
const SCALAR = '\u001f';

/** How often the text is read. Each time but the first is for an interpolation that leaves its own brackets open. */
const MAX_PASSES = 10;

/**
 * Finds interpolations that need quotes (`{ port: ${PORT:80} }`, `key: ${! a # b }`) and returns the text with each of
 * them blanked out at the same length, so that everything else in the file can still be checked. It works on the lexemes
 * of `yaml`, before its parser: that one takes the rest of the file for something else once it has met the first of them.
 */
export function blankUnquoted(text: string): { readonly text: string; readonly unquoted: readonly Unquoted[] } {
  const unquoted: Unquoted[] = [];
  let blanked = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const found = [...findUnquoted(blanked)];
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

/** In the order of the text, up to one that leaves its own brackets open: behind it nothing is in the brackets that it seems to be in. */
function* findUnquoted(text: string): Generator<Unquoted> {
  let last: { readonly end: number; readonly depth: number } | undefined;
  let lineEnd = -1;
  for (const { offset, scalar, depth } of lexemesOf(text)) {
    if (last !== undefined && offset < last.end) continue;
    if (last !== undefined && depth !== last.depth) return;
    last = undefined;
    if (scalar === undefined || !(text[offset + scalar.length] === '{' || scalar.includes('${'))) continue;
    // Looked for once a line: all of a file may be one.
    if (offset > lineEnd) lineEnd = endOfLine(text, offset);
    const torn = tornAt(text.slice(0, lineEnd), offset, scalar);
    if (torn === undefined) continue;
    yield torn;
    last = { end: torn.end, depth };
  }
}

function* lexemesOf(text: string): Generator<Lexeme> {
  let offset = 0;
  let depth = 0;
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR) isScalar = true;
    if (lexeme === SCALAR || lexeme === DOCUMENT || lexeme === FLOW_ERROR) continue;
    yield { offset, scalar: isScalar ? lexeme : undefined, depth };
    if (!isScalar && (lexeme === '[' || lexeme === '{')) depth += 1;
    if (!isScalar && (lexeme === ']' || lexeme === '}')) depth -= 1;
    isScalar = false;
    offset += lexeme.length;
  }
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
