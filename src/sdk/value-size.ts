import { ExactNumber } from '../core/exact-number.ts';
import { LIMITS, overLimit } from './budget.ts';
import { isFunction } from './value.ts';

interface ValueSize {
  values: number;
  /** Of all texts and names. */
  characters: number;
  /** Levels of objects and lists. */
  nesting: number;
}

/**
 * The size of a value when it is written: a part that occurs several times counts several times. Throws
 * TG_EXPRESSION_LIMIT as soon as the value is too large, so that it ends even if the value would not fit into memory.
 */
export function sizeOf(value: unknown): ValueSize {
  const size = { values: 0, characters: 0, nesting: 0 };
  add(value, size, 1);
  return size;
}

function add(value: unknown, size: ValueSize, nesting: number): void {
  size.values += 1;
  if (size.values > LIMITS.values) throw overLimit(`has a value of more than ${LIMITS.values} parts`);
  if (typeof value === 'string') addText(value.length, size);
  if (typeof value !== 'object' || value === null || isFunction(value)) return;
  if (value instanceof ExactNumber) {
    addText(value.digits.length, size);
    return;
  }
  if (nesting > LIMITS.nesting) throw overLimit(`has a value of more than ${LIMITS.nesting} levels`);
  if (nesting > size.nesting) size.nesting = nesting;
  if (Array.isArray(value)) {
    for (const item of value) add(item, size, nesting + 1);
    return;
  }
  for (const name of Object.keys(value)) {
    addText(name.length, size);
    add((value as Record<string, unknown>)[name], size, nesting + 1);
  }
}

function addText(characters: number, size: ValueSize): void {
  size.characters += characters;
  if (size.characters > LIMITS.text) throw overLimit(`has a value with more than ${LIMITS.text} characters of text`);
}
