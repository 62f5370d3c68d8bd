import { ExactNumber } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { compileExpression, type Expression, type Part, splitParts } from './expression.ts';

/** A pattern of names, such as `orders.${! auth.tenant }.*`: `*` is any text, and what an expression gives is taken literally. */
export class NamePattern {
  /** As it is in the configuration. */
  readonly text: string;
  /** The whole text as an expression, for what it reads. */
  readonly expression: Expression;
  private readonly parts: readonly Part[];

  /** Throws an Error that says what is wrong with an expression. */
  constructor(text: string) {
    this.text = text;
    this.expression = compileExpression(text);
    this.parts = splitParts(text);
  }

  /** Whether it is the same for all clients. */
  get isConstant(): boolean {
    return this.parts.every((part) => 'literal' in part);
  }

  /** What is in it without its expressions. */
  get literal(): string {
    return this.parts.map((part) => ('literal' in part ? part.literal : '')).join('');
  }

  /**
   * The pattern with the values of a message in it. Undefined, which allows nothing, where one of them is missing, cannot be
   * evaluated, is neither text nor a number, is empty, or has a `*`: none of these may widen what is allowed.
   */
  async fill(message: Message): Promise<string | undefined> {
    let filled = '';
    for (const part of this.parts) {
      const text = 'literal' in part ? part.literal : await literalValue(part, message);
      if (text === undefined) return undefined;
      filled += text;
    }
    return filled;
  }
}

async function literalValue(
  { value }: Extract<Part, { value: unknown }>,
  message: Message,
): Promise<string | undefined> {
  try {
    return literalOf(await value.evaluate(message));
  } catch {
    return undefined;
  }
}

/** Text for a value that stands for itself in a pattern. */
function literalOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (value instanceof ExactNumber) return value.digits;
  return typeof value === 'string' && value !== '' && !value.includes('*') ? value : undefined;
}
