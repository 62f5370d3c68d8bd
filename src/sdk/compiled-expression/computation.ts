import type { Message } from '../../core/message.ts';

/** JSONata has to evaluate the whole expression for this message: the compiled form does not know exactly what it would give. */
export const GIVE_UP: unique symbol = Symbol('give up');

/** The value of an expression or a part of it, exactly as JSONata gives it; undefined for no value, or GIVE_UP. Never throws. */
export type Computation = (message: Message) => unknown;

/**
 * Characters of a text that is computed with. MAX_NODES texts, each three times as long in capital letters, are fewer than
 * LIMITS.texts, so nothing has to be counted.
 */
export const MAX_TEXT = 16_384;

/** Parts of an expression that is compiled. Each is evaluated once at most, so that LIMITS.steps and .depth are never reached. */
export const MAX_NODES = 500;

export function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

/** A result that is not finite is left to JSONata, which says why it fails. */
export function finite(value: number): unknown {
  return Number.isFinite(value) ? value : GIVE_UP;
}
