import { numberOf, writeJson } from '../core/exact-number.ts';
import { JsonPath } from '../core/json-path.ts';
import type { Message } from '../core/message.ts';
import { exactJsonOf, isRoot, jsonOf, lastText, ROOTS, rootOf } from './roots.ts';
import { textOf, type Value } from './value.ts';

/** A dotted path, which is evaluated without JSONata. */
export const PATH = /^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$/;

/** Compiles a dotted path; its value is there at once. */
export function compilePath(source: string): Value {
  const [root, ...steps] = source.split('.') as [string, ...string[]];
  if (!isRoot(root)) throw new Error(`"${source}" begins with ${root}; a message has ${ROOTS.join(', ')}`);
  const reads = [{ path: [root, ...steps] }];
  if (root === 'json') return { ...jsonValue(steps), isSynchronous: true, isWritten: false, reads, doubts: [] };
  const [name] = steps;
  // The most common case, without an object of all headers.
  const evaluate =
    root === 'headers' && name !== undefined && steps.length === 1
      ? (message: Message) => lastText(message, name)
      : (message: Message) => descend(rootOf(message, root), steps);
  return {
    isSynchronous: true,
    isWritten: true,
    reads,
    doubts: [],
    evaluate,
    text: (message) => textOf(evaluate(message)),
    json: (message) => writeJson(evaluate(message)),
  };
}

/** A path into the payload. Numbers are copied from the text of the payload, because a double could round them. */
function jsonValue(steps: readonly string[]): Pick<Value, 'evaluate' | 'text' | 'json'> {
  const path = new JsonPath(steps);
  const written = (message: Message, value: unknown) => path.textIn(message.payload) ?? writeJson(value);
  return {
    evaluate: (message) => {
      const value = descend(jsonOf(message), steps);
      if (typeof value === 'number') return numberOf(written(message, value) ?? '');
      return typeof value === 'object' && value !== null ? descend(exactJsonOf(message), steps) : value;
    },
    text: (message) => {
      const value = descend(jsonOf(message), steps);
      if (typeof value === 'number') return written(message, value);
      if (typeof value !== 'object' || value === null) return textOf(value);
      return { json: written(message, value) ?? '' };
    },
    json: (message) => {
      const value = descend(jsonOf(message), steps);
      return value === undefined ? undefined : written(message, value);
    },
  };
}

function descend(from: unknown, steps: readonly string[]): unknown {
  let value = from;
  for (const step of steps) {
    if (value === null || typeof value !== 'object') return undefined;
    value = Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined;
  }
  return value;
}
