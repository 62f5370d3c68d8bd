import { ExactNumber } from '../../core/exact-number.ts';
import type { Message } from '../../core/message.ts';
import { isRoot, lastText, type Root, rootOf } from '../roots.ts';
import { isFunction } from '../value.ts';
import { type Computation, GIVE_UP } from './computation.ts';

/** What a path may begin with beside the roots of a message, by its name. */
export type OtherRoots = Readonly<Partial<Record<string, Computation>>>;

/**
 * A path of names from a root of the message or one of `others`; undefined for another one. A list in the middle of it is left
 * to JSONata, which maps it.
 */
export function compileNames([root, ...steps]: readonly string[], others: OtherRoots): Computation | undefined {
  if (root === undefined) return undefined;
  const other = Object.hasOwn(others, root) ? others[root] : undefined;
  if (other !== undefined) return (message) => descend(other(message), steps);
  if (!isRoot(root)) return undefined;
  const [name] = steps;
  // The most common case, without an object of all headers.
  if (root === 'headers' && name !== undefined && steps.length === 1) return (message) => lastText(message, name);
  return (message) => descend(read(message, root), steps);
}

/** A payload that is not JSON fails in the words of JSONata's way. */
function read(message: Message, root: Root): unknown {
  try {
    return rootOf(message, root);
  } catch {
    return GIVE_UP;
  }
}

function descend(from: unknown, steps: readonly string[]): unknown {
  let value = from;
  for (let at = 0; at < steps.length; at += 1) {
    if (typeof value !== 'object' || value === null) return value === GIVE_UP ? GIVE_UP : undefined;
    if (Array.isArray(value) || value instanceof ExactNumber || isFunction(value)) return GIVE_UP;
    const step = steps[at] as string; // within the length
    value = Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined;
  }
  return value;
}
