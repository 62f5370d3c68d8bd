import { withoutMarks } from '../../sdk/literal.ts';
import type { SourceText } from '../problem/source-text.ts';

/** What a parameter of a template is where the template is used, and in which text that is written. */
export interface Argument {
  readonly value: unknown;
  readonly text: SourceText;
}

export type Arguments = ReadonlyMap<string, Argument>;

/** A parameter of a template, in its texts. */
export const PARAMETER = /\$\{param\.([A-Za-z_][\w-]*)\}/;

const WHOLE = new RegExp(`^${PARAMETER.source}$`);
const QUOTES = `"'\``;

/** The name of the parameter that is all of a text, whose value may then be of any type. */
export function wholeParameter(text: string): string | undefined {
  return WHOLE.exec(text)?.[1];
}

/** Parameters that a text of a template names; `$${` is none. */
export function parametersIn(text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`\\$\\$\\{|${PARAMETER.source}`, 'g'))].flatMap(([, name]) => name ?? []);
}

/** A parameter within a text. Throws an Error that can be shown where it is a list or settings; unknown ones are empty. */
export function parameterText(name: string, given: Arguments): string {
  const value = given.get(name)?.value ?? '';
  if (typeof value !== 'object') return String(value);
  const kind = Array.isArray(value) ? 'a list' : 'a group of settings';
  throw new Error(`the parameter ${name} is ${kind}, which can only be a whole value: "\${param.${name}}"`);
}

/**
 * An expression `${! }` with its parameters filled in: as JSON, or as characters within quotes. So the value of a parameter is
 * always data, and never a part of the expression. Throws an Error that can be shown.
 */
export function filledExpression(expression: string, given: Arguments): string {
  const pattern = new RegExp(PARAMETER.source, 'y');
  let made = '';
  let quote = '';
  for (let at = 0; at < expression.length; at++) {
    const char = expression.charAt(at);
    pattern.lastIndex = at;
    const match = char === '$' ? pattern.exec(expression) : null;
    if (match !== null) {
      const name = match[1] as string; // the pattern has this group in every match
      made += quote === '' ? asJson(name, given) : asCharacters(name, quote, given);
      at = pattern.lastIndex - 1;
      continue;
    }
    made += char;
    if (quote !== '' && char === '\\') {
      at += 1;
      made += expression.charAt(at);
    } else if (quote === '' && QUOTES.includes(char)) quote = char;
    else if (char === quote) quote = '';
  }
  return made;
}

function asJson(name: string, given: Arguments): string {
  return withoutMarks(JSON.stringify(given.get(name)?.value ?? null));
}

function asCharacters(name: string, quote: string, given: Arguments): string {
  const text = withoutMarks(parameterText(name, given));
  if (quote !== '`') return JSON.stringify(text).slice(1, -1).replaceAll("'", '\\u0027');
  if (text.includes('`'))
    throw new Error(`the parameter ${name} is "${text}", which cannot be a name within backquotes`);
  return text;
}
