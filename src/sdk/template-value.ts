import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { compileExpression, type Expression } from './expression.ts';
import { setField } from './field-path.ts';
import { withoutMarks } from './literal.ts';

/** A value of the configuration in which texts may have `${! }` in them, compiled. */
export type TemplateValue =
  | Expression
  | string
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue };

/** Compiles what is text with `${! }` in it, at any depth. Throws an Error that says what is wrong with an expression. */
export function compileTemplateValue(value: unknown): TemplateValue {
  if (typeof value === 'string') return value.includes('${!') ? compileExpression(value) : withoutMarks(value);
  if (Array.isArray(value)) return value.map(compileTemplateValue);
  if (typeof value !== 'object' || value === null) return value as TemplateValue;
  const compiled: Record<string, TemplateValue> = {};
  for (const [name, inner] of Object.entries(value)) setField(compiled, name, compileTemplateValue(inner));
  return compiled;
}

/** The value for a message: at once where each of its expressions answers at once. An expression without a value leaves its field out. */
export function evaluateTemplate(template: TemplateValue, message: Message): unknown {
  if (typeof template !== 'object' || template === null) return template;
  if (isExpression(template)) return template.evaluate(message);
  const isList = Array.isArray(template);
  const names = Object.keys(template);
  const values = Object.values(template).map((inner: TemplateValue) => evaluateTemplate(inner, message));
  const build = (found: readonly unknown[]) => (isList ? found.map((one) => one ?? null) : objectOf(names, found));
  return together(values, build);
}

/**
 * The texts of expressions for a message, in their order: at once where each of them answers at once. Throws or rejects with
 * TG_EXPRESSION_FAILED.
 */
export function evaluateTexts(
  expressions: readonly Expression[],
  message: Message,
): readonly (string | undefined)[] | Promise<readonly (string | undefined)[]> {
  const texts = new Array<unknown>(expressions.length);
  let isPending = false;
  for (let at = 0; at < expressions.length; at += 1) {
    const text = expressions[at]?.evaluateText(message);
    if (text instanceof Promise) isPending = true;
    texts[at] = text;
  }
  return isPending ? Promise.all(texts as Promise<string | undefined>[]) : (texts as (string | undefined)[]);
}

/** What `build` makes of values, some of which may be promises: at once where none is. */
export function together<T>(values: readonly unknown[], build: (found: readonly unknown[]) => T): T | Promise<T> {
  if (!values.some((value) => value instanceof Promise)) return build(values);
  return Promise.all(values).then(build);
}

function objectOf(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [at, name] of names.entries()) if (values[at] !== undefined) setField(object, name, values[at]);
  return object;
}

function isExpression(template: object): template is Expression {
  return 'evaluate' in template && typeof template.evaluate === 'function';
}

/** For a payload that is not what a processor works on. */
export function notA(what: string): TidegateError {
  return new TidegateError('TG_MESSAGE_INVALID', `the payload is not ${what}`);
}
