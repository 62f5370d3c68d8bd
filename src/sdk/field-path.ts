import { TidegateError } from '../core/errors.ts';
import { ExactNumber } from '../core/exact-number.ts';
import { quoteValue } from '../core/quote.ts';

type Container = Record<string, unknown> | unknown[];

/**
 * The place of a value in JSON, such as `customer.address.city` or `items.0.price`: names of fields, and positions in
 * lists. A dot that belongs to a name is written `\.`.
 */
export class FieldPath {
  readonly text: string;
  readonly steps: readonly string[];

  /** Throws an Error that says what is wrong with the text. */
  constructor(text: string) {
    this.text = text;
    this.steps = text.split(/(?<!\\)\./).map((step) => step.replaceAll('\\.', '.'));
    if (text === '')
      throw new Error('a path is empty; write the names of fields with dots between them, as customer.name');
    if (this.steps.includes(''))
      throw new Error(`"${quoteValue(text)}" has a dot without a name beside it; a dot within a name is written \\.`);
  }

  /** The value at the path; undefined where there is none. */
  in(root: unknown): unknown {
    let value = root;
    for (const step of this.steps) {
      if (!isContainer(value)) return undefined;
      value = read(value, step);
    }
    return value;
  }

  /** Whether that path lies within this one, or is the same. */
  contains({ steps }: FieldPath): boolean {
    return this.steps.every((step, at) => steps[at] === step);
  }
}

/** A copy of a JSON value that can be changed: what is changed is copied when it first is, everything else is shared. */
export class Draft {
  root: unknown;
  private readonly own = new Set<unknown>();

  constructor(root: unknown) {
    this.root = root;
  }

  /**
   * Sets a value, making the objects around it that are missing. Throws TG_MESSAGE_INVALID where the path leads through
   * something that has no fields.
   */
  set(path: FieldPath, value: unknown): void {
    let holder = this.ownRoot(path);
    const { steps } = path;
    for (let at = 0; at < steps.length - 1; at += 1) {
      const step = steps[at] as string; // below the length
      const inner = read(holder, step);
      const next = inner === undefined ? {} : this.owned(inner, path, at + 1);
      if (next !== inner) {
        this.own.add(next);
        write(holder, step, next, path);
      }
      holder = next;
    }
    write(holder, steps.at(-1) as string, value, path); // a path has a step
  }

  /** Removes a value; what is not there is none already. From a list it is taken out, and the others move up. */
  remove(path: FieldPath): void {
    if (path.in(this.root) === undefined) return;
    let holder = this.ownRoot(path);
    const { steps } = path;
    for (let at = 0; at < steps.length - 1; at += 1) {
      const step = steps[at] as string; // below the length
      const inner = read(holder, step);
      const next = this.owned(inner, path, at + 1);
      if (next !== inner) write(holder, step, next, path);
      holder = next;
    }
    const last = steps.at(-1) as string; // a path has a step
    if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else delete holder[last];
  }

  /** Removes several values, each from where it is now: from a list the last first, so that none moves before its turn. */
  removeAll(paths: readonly FieldPath[]): void {
    for (const path of [...paths].sort(lastFirst)) this.remove(path);
  }

  private ownRoot(path: FieldPath): Container {
    const root = this.owned(this.root, path, 0);
    this.root = root;
    return root;
  }

  /** Itself where it was copied before, else a copy. `depth`: of the steps that led to it. */
  private owned(value: unknown, path: FieldPath, depth: number): Container {
    if (!isContainer(value)) throw unusable(value, path, depth);
    if (this.own.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.own.add(copy);
    return copy;
  }
}

/** Sets a field, also one that is called `__proto__`, which would change the object itself otherwise. */
export function setField(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Whether a value of JSON is an object with fields: neither a list, nor a number with many digits. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value);
}

/** Orders paths so that of two positions in a list the later is first, and what is within a value before the value. */
function lastFirst({ steps: a }: FieldPath, { steps: b }: FieldPath): number {
  const at = a.findIndex((step, index) => step !== b[index]);
  const one = a[at];
  const other = at < 0 ? b[a.length] : b[at];
  if (one === undefined) return other === undefined ? 0 : 1;
  if (other === undefined) return -1;
  const [isPosition, isOtherPosition] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isPosition && isOtherPosition) return Number(other) - Number(one);
  if (isPosition !== isOtherPosition) return isPosition ? -1 : 1;
  return one < other ? -1 : 1;
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && !(value instanceof ExactNumber);
}

function read(holder: Container, step: string): unknown {
  // What a list has by itself beside its positions.
  if (step === 'length' && Array.isArray(holder)) return undefined;
  return Object.hasOwn(holder, step) ? (holder as Record<string, unknown>)[step] : undefined;
}

function write(holder: Container, step: string, value: unknown, path: FieldPath): void {
  if (!Array.isArray(holder)) setField(holder, step, value);
  else if (/^\d{1,9}$/.test(step) && Number(step) <= holder.length) holder[Number(step)] = value;
  else
    throw new TidegateError(
      'TG_MESSAGE_INVALID',
      `${quoteValue(path.text)} cannot be set: ${step} is not a position in a list of ${holder.length}`,
    );
}

function unusable(value: unknown, { text, steps }: FieldPath, depth: number): TidegateError {
  const place = depth === 0 ? 'the payload' : steps.slice(0, depth).join('.');
  const what = value === null ? 'null' : value instanceof ExactNumber ? 'number' : typeof value;
  return new TidegateError(
    'TG_MESSAGE_INVALID',
    `${quoteValue(text)} cannot be set: ${quoteValue(place)} is ${what === 'null' ? what : `a ${what}`}, which has no fields`,
  );
}
