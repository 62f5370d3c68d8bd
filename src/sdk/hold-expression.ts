import { quoteValue } from '../core/quote.ts';
import { compileProgram } from './jsonata.ts';

/** What an expression of `hold` may read: of an output, and the JSON of the message that it comes from. */
export interface HoldRoots {
  readonly output: unknown;
  /** undefined where it is not known which message the output comes from. */
  readonly input: unknown;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the topic, endpoint or sink. */
  readonly topic: string;
}

const ROOTS = ['output', 'input', 'key', 'headers', 'topic'] satisfies (keyof HoldRoots)[];

/** A condition on outputs, such as `${! output.total = input.total }`. */
export interface HoldExpression {
  readonly text: string;
  readonly readsInput: boolean;
  /** Rejects with TG_EXPRESSION_FAILED or TG_EXPRESSION_LIMIT. */
  isTrueFor(roots: HoldRoots): Promise<boolean>;
}

/** Throws an Error that says what is wrong with the expression. */
export function compileHoldExpression(text: string): HoldExpression {
  const [, source] = /^\s*\$\{!([\s\S]*)\}\s*$/.exec(text) ?? [];
  if (source === undefined || source.trim() === '')
    throw new Error(`"${quoteValue(text)}" is not one expression; write "\${! output.total >= 0 }"`);
  const { reads, run } = compileProgram(source.trim(), () => true);
  const roots = reads.map(({ path }) => path[0] ?? '');
  const unknown = roots.find((root) => !(ROOTS as readonly string[]).includes(root));
  if (unknown !== undefined)
    throw new Error(
      `"${quoteValue(text)}" reads ${unknown}; of an output there are ${ROOTS.join(', ')}, where output is its JSON and input that of its message`,
    );
  if (!roots.some((root) => ROOTS.includes(root as keyof HoldRoots)))
    throw new Error(`"${quoteValue(text)}" reads nothing of an output: it is the same for all`);
  return {
    text,
    readsInput: roots.includes('input'),
    isTrueFor: async (values) => (await run(values)) === true,
  };
}
