import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import { compiled } from '../../sdk/compiled.ts';
import { compileHoldExpression, type HoldExpression } from '../../sdk/hold-expression.ts';
import { didYouMean } from '../problem/suggest.ts';

/** Invariants that are a name alone, each with what it promises. */
export const PLAIN_INVARIANTS = {
  no_loss:
    'A message that was acked as stored is in an output, one that was acked as a dead letter is in the dead letters, and no message of a client is left without an outcome.',
  no_duplicates: 'No destination has the same content twice from one message.',
  order_by_key: 'The first outputs of the messages of a key are in the order of these messages.',
  settles_once: 'Each message is settled exactly once, and not before the sink has what became of it.',
} as const;

export type PlainInvariant = keyof typeof PLAIN_INVARIANTS;

/** What has to hold whatever comes. */
export type Invariant =
  | { readonly name: PlainInvariant }
  | { readonly name: 'batch_at_most'; readonly most: number }
  | { readonly name: 'dead_letters_only_for'; readonly codes: readonly ErrorCode[] }
  /** `schema`: a JSON Schema, or the path of a file with one. */
  | { readonly name: 'output_schema'; readonly schema: string | object }
  | { readonly name: 'expression'; readonly expression: HoldExpression };

const WITH_VALUE = ['batch_at_most', 'dead_letters_only_for', 'output_schema'];
const NAMES = [...Object.keys(PLAIN_INVARIANTS), ...WITH_VALUE];

const invariant = compiled(
  z.union(
    [z.string(), z.record(z.string(), z.unknown())],
    'expected an invariant such as no_loss, batch_at_most: 500 or "${! output.total >= 0 }"',
  ),
  (entry): Invariant => (typeof entry === 'string' ? ofText(entry) : ofSettings(entry)),
);

/** `hold:` of a test: what has to be true of each run. */
export const holdSchema = z
  .array(invariant)
  .min(1, 'expected at least one invariant: a test that holds nothing cannot fail')
  .describe(
    `What has to be true: ${NAMES.join(', ')}, or an expression over output, input (JSON of an output and of the message that it comes from), key, headers and topic of the output.`,
  );

function ofText(text: string): Invariant {
  if (text.includes('${!')) return { name: 'expression', expression: compileHoldExpression(text) };
  if (text in PLAIN_INVARIANTS) return { name: text as PlainInvariant };
  if (WITH_VALUE.includes(text)) throw new Error(`${text} needs a value, such as ${EXAMPLES[text]}`);
  throw unknown(text);
}

const EXAMPLES: Readonly<Record<string, string>> = {
  batch_at_most: 'batch_at_most: 500',
  dead_letters_only_for: 'dead_letters_only_for: TG_MESSAGE_INVALID',
  output_schema: 'output_schema: ./order.schema.json',
};

function unknown(name: string): Error {
  return new Error(`there is no invariant "${name}"${didYouMean(name, NAMES) || `; there are ${NAMES.join(', ')}`}`);
}

function ofSettings(settings: Readonly<Record<string, unknown>>): Invariant {
  const [entry, ...others] = Object.entries(settings);
  if (entry === undefined || others.length > 0)
    throw new Error('expected one invariant; write each as an item of its own');
  const [name, value] = entry;
  switch (name) {
    case 'batch_at_most':
      if (Number.isInteger(value) && (value as number) >= 1) return { name, most: value as number };
      throw new Error('batch_at_most: expected a whole number from 1');
    case 'dead_letters_only_for':
      return { name, codes: [value].flat().map(codeOf) };
    case 'output_schema':
      if (typeof value === 'string' || (typeof value === 'object' && value !== null)) return { name, schema: value };
      throw new Error('output_schema: expected the path of a file, or a JSON Schema');
    default:
      if (name in PLAIN_INVARIANTS) throw new Error(`${name} has no value; write ${name} alone`);
      throw unknown(name);
  }
}

function codeOf(code: unknown): ErrorCode {
  if (typeof code === 'string' && code in ERRORS) return code as ErrorCode;
  const hint = didYouMean(String(code), Object.keys(ERRORS)) || '; docs/reference/errors.md lists them';
  throw new Error(`dead_letters_only_for: there is no error code "${String(code)}"${hint}`);
}
