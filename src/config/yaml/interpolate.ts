import { LITERAL_MARK } from '../../sdk/literal.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { OutsideValues } from './outside-values.ts';
import { type Arguments, filledExpression, PARAMETER, parameterText } from './parameters.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A scalar with its variables filled in. */
export interface Filled {
  readonly text: string;
  /** Variables that the text names, set or not. */
  readonly variables: readonly string[];
  /** The default of each variable that has one, as it is written. */
  readonly defaults: ReadonlyMap<string, string>;
  readonly mistakes: readonly string[];
}

/** Defaults inside defaults that are read; the environment of one setting never has so many names. */
const MAX_NESTED = 32;

const VARIABLE = /\$\{([A-Za-z_]\w*)([:}])/y;

/** What may be a file or a command in place of a variable: `${file:/path}`, `${exec:/program words}`. */
const OUTSIDE = /\$\{(file|exec):(?=\/)/y;

const PARAMETER_HERE = new RegExp(PARAMETER.source, 'y');

/**
 * Fills `${NAME}` and `${NAME:default}` in one parsed scalar. Defaults nest; set but empty counts as unset; `$${` is a
 * literal `${`. Expressions `${! }` stay as they are, and what a variable holds is never looked into again: a `${!`
 * that is not an expression of the file itself leaves with a LITERAL_MARK in it. `outside` reads `${file:/path}` and runs
 * `${exec:/program words}`; without it both are mistakes. `given`: what `${param.NAME}` is, in a template.
 */
export function interpolate(text: string, env: Environment, outside?: OutsideValues, given?: Arguments): Filled {
  if (!text.includes('${')) return { text, variables: [], defaults: new Map(), mistakes: [] };
  const filler = new Filler(text, env, outside, given);
  const filled = filler.run();
  const mistakes = filler.isTooDeep ? [`defaults are nested more than ${MAX_NESTED} deep here`] : filler.mistakes;
  return { text: filled, variables: filler.variables, defaults: filler.defaults, mistakes };
}

/** Index just after the `}` that closes the `${` at `start`, or -1. Braces nest, and quotes count in expressions. */
export function endOfInterpolation(text: string, start: number): number {
  const isExpression = text.startsWith('${!', start);
  let depth = 0;
  let quote = '';
  for (let at = start + 2; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== '') {
      if (char === '\\') at += 1;
      else if (char === quote) quote = '';
    } else if (isExpression && (char === '"' || char === "'" || char === '`')) quote = char;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      if (depth === 0) return at + 1;
      depth -= 1;
    }
  }
  return -1;
}

/** Text made so far, and where in it the file's own expressions are. */
interface Piece {
  text: string;
  readonly expressions: { readonly start: number; readonly end: number }[];
}

class Filler {
  readonly variables: string[] = [];
  readonly defaults = new Map<string, string>();
  readonly mistakes: string[] = [];
  /** Whether the rest was not read, as its defaults go on and on. */
  isTooDeep = false;
  private readonly source: string;
  private readonly env: Environment;
  private readonly outside: OutsideValues | undefined;
  private readonly given: Arguments | undefined;
  private at = 0;
  private nested = 0;

  constructor(source: string, env: Environment, outside: OutsideValues | undefined, given: Arguments | undefined) {
    this.given = given;
    this.source = source;
    this.env = env;
    this.outside = outside;
  }

  run(): string {
    return markLiterals(this.piece(false, true));
  }

  /** Up to the end, or to the `}` that ends a default. `isUsed`: whether unset variables matter here. */
  private piece(isDefault: boolean, isUsed: boolean): Piece {
    const made: Piece = { text: '', expressions: [] };
    let depth = 0;
    while (this.at < this.source.length) {
      if (this.source.startsWith('$${', this.at)) {
        made.text += '${';
        this.at += 3;
        depth += 1;
      } else if (this.source.startsWith('${!', this.at)) this.expression(made);
      else if (this.isHere(OUTSIDE)) this.outsideValue(made, isUsed);
      else if (this.isHere(PARAMETER_HERE)) this.parameter(made, isUsed);
      else if (this.source.startsWith('${', this.at)) this.variable(made, isUsed);
      else {
        const char = this.source.charAt(this.at);
        if (isDefault && char === '}' && depth === 0) break;
        if (char === '{') depth += 1;
        if (char === '}') depth -= 1;
        made.text += char;
        this.at += 1;
      }
    }
    return made;
  }

  private expression(made: Piece): void {
    const end = endOfInterpolation(this.source, this.at);
    const stop = end < 0 ? this.source.length : end;
    const start = made.text.length;
    const text = this.source.slice(this.at, stop);
    const { given } = this;
    if (given === undefined) made.text += text;
    else this.attempt(() => (made.text += filledExpression(text, given)));
    made.expressions.push({ start, end: made.text.length });
    this.at = stop;
  }

  private isHere(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    return pattern.test(this.source);
  }

  /** Its text was read already, so that none of it is looked into, and what it has of expressions are the file's own. */
  private parameter(made: Piece, isUsed: boolean): void {
    const end = endOfInterpolation(this.source, this.at);
    const whole = this.source.slice(this.at, end);
    this.at = end;
    if (this.given === undefined) this.mistakes.push(`"${whole}": parameters are filled in in templates only`);
    else if (isUsed)
      this.attempt(() => append(made, textPiece(parameterText(whole.slice(8, -1), this.given ?? new Map()))));
  }

  private attempt(fill: () => void): void {
    try {
      fill();
    } catch (error) {
      this.mistakes.push((error as Error).message);
    }
  }

  private outsideValue(made: Piece, isUsed: boolean): void {
    const end = endOfInterpolation(this.source, this.at);
    if (end < 0) {
      this.spoiled(made);
      return;
    }
    const whole = this.source.slice(this.at, end);
    this.at = end;
    this.variables.push(whole.slice(2, -1));
    if (!isUsed) return;
    try {
      made.text += this.valueOf(whole);
    } catch (error) {
      this.mistakes.push(`"${whole}": ${(error as Error).message}`);
    }
  }

  private valueOf(whole: string): string {
    if (this.outside === undefined) throw new Error('files and commands are read for a configuration in a file only');
    const text = this.outside(whole.startsWith('${file') ? 'file' : 'exec', whole.slice('${file:'.length, -1));
    if (text === '') throw new Error('it is empty');
    return text;
  }

  private variable(made: Piece, isUsed: boolean): void {
    VARIABLE.lastIndex = this.at;
    const match = VARIABLE.exec(this.source);
    if (match === null) {
      this.spoiled(made);
      return;
    }
    const name = match[1] as string; // the pattern has this group in every match
    this.variables.push(name);
    this.at = VARIABLE.lastIndex;
    const value = (Object.hasOwn(this.env, name) && this.env[name]) || undefined;
    const start = this.at;
    const fallback = match[2] === ':' ? this.fallback(name, isUsed && value === undefined) : undefined;
    if (fallback !== undefined) this.defaults.set(name, this.source.slice(start, this.at - 1));
    if (value !== undefined) made.text += value;
    else if (fallback !== undefined) append(made, fallback);
    else if (isUsed) this.mistakes.push(unset(name, this.env));
  }

  private fallback(name: string, isUsed: boolean): Piece {
    if (this.nested === MAX_NESTED) {
      this.isTooDeep = true;
      this.at = this.source.length;
      return { text: '', expressions: [] };
    }
    this.nested += 1;
    const piece = this.piece(true, isUsed);
    this.nested -= 1;
    if (this.at >= this.source.length) this.mistakes.push(`\${${name}: has no } that closes it`);
    this.at += 1;
    return piece;
  }

  private spoiled(made: Piece): void {
    const end = endOfInterpolation(this.source, this.at);
    const text = end < 0 ? this.source.slice(this.at) : this.source.slice(this.at, end);
    this.mistakes.push(
      end < 0
        ? `"${text}" has no } that closes it`
        : `"${text}" does not name a variable; write \${NAME}, \${NAME:default}, \${! expression } or $\${ for the characters themselves`,
    );
    made.text += text;
    this.at += text.length;
  }
}

function unset(name: string, env: Environment): string {
  const present = Object.keys(env).filter((other) => env[other] !== '');
  const empty = env[name] === '' ? 'set but empty' : 'not set';
  return `the variable ${name} is ${empty} and has no default; set it, or write \${${name}:default}${didYouMean(name, present)}`;
}

function textPiece(text: string): Piece {
  return { text, expressions: [{ start: 0, end: text.length }] };
}

function append(made: Piece, more: Piece): void {
  const shift = made.text.length;
  made.text += more.text;
  for (const { start, end } of more.expressions) made.expressions.push({ start: start + shift, end: end + shift });
}

function markLiterals({ text, expressions }: Piece): string {
  let marked = '';
  let from = 0;
  for (const { start, end } of [...expressions, { start: text.length, end: text.length }]) {
    marked += text.slice(from, start).replaceAll('${!', () => `$${LITERAL_MARK}{!`) + text.slice(start, end);
    from = end;
  }
  return marked;
}
