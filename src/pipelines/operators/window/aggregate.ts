import {
  ExactNumber,
  type Expression,
  type Fold,
  type Folded,
  field,
  foldedOf,
  type Message,
  quote,
  TidegateError,
  together,
  z,
} from '../../../sdk/index.ts';
import { ACCUMULATORS, type Accumulator, type AccumulatorName, FoldState, NUMERIC } from './accumulators.ts';

const NAMES = Object.keys(ACCUMULATORS) as readonly AccumulatorName[];
const RESERVED = ['key', 'start', 'end', 'partial'];

const folded = z.strictObject({
  fold: field.fold().describe('Makes the next state of `state`, which is the one so far, and the message.'),
  start: z.unknown().describe('State before the first record.'),
});

const aggregated = z.union(
  [z.literal('count'), ...NAMES.map((name) => z.strictObject({ [name]: field.expression() })), folded],
  `expected count, or one of ${NAMES.join(', ')} with an expression, such as { sum: "\${! json.amount }" }, or { fold: "\${! state + json.amount }", start: 0 }`,
);

/** `aggregate: { n: count, total: { sum: "${! json.amount }" } }`: fields of the result by their names. */
export const aggregateSettings = () =>
  z
    .record(z.string(), aggregated)
    .refine((fields) => Object.keys(fields).length > 0, 'name at least one field of the result, such as { n: count }')
    .refine((fields) => RESERVED.every((name) => !Object.hasOwn(fields, name)), {
      error: `key, start, end and partial are fields of every result, or of partial ones; give yours other names`,
    })
    .transform((fields) => new Aggregate(Object.entries(fields).map(([name, of]) => functionOf(name, of))));

interface ValueFunction {
  readonly field: string;
  readonly name: AccumulatorName;
  /** Left out: each record counts. */
  readonly of: Expression | undefined;
}

interface FoldFunction {
  readonly field: string;
  readonly fold: Fold;
  readonly start: Folded;
}

type AggregateFunction = ValueFunction | FoldFunction;

/** The functions over the records of one window and key. */
export class Aggregate {
  private readonly functions: readonly AggregateFunction[];
  /** Whether `values` are complete only with what `folded` gives. */
  readonly hasFold: boolean;

  constructor(functions: readonly AggregateFunction[]) {
    this.functions = functions;
    this.hasFold = functions.some(isFold);
  }

  create(): Accumulator[] {
    return this.functions.map((one) =>
      isFold(one) ? new FoldState(one.start) : (ACCUMULATORS[one.name]() as Accumulator),
    );
  }

  /** What the expressions give for a record, in the order of the functions. Throws or rejects with TG_EXPRESSION_FAILED. */
  values(message: Message): unknown[] | Promise<unknown[]> {
    const values = this.functions.map((one) => (isFold(one) || one.of === undefined ? true : one.of.evaluate(message)));
    return together(values, (ready) => this.checked([...ready]));
  }

  /**
   * The values with the next state of each fold, for one window and key. Left out: the record is the first one there.
   * Throws, or rejects with, TG_EXPRESSION_FAILED or TG_STATE_FULL.
   */
  folded(
    message: Message,
    accumulators: readonly Accumulator[] | undefined,
    values: readonly unknown[],
  ): unknown[] | Promise<unknown[]> {
    const next = [...values];
    for (const [index, one] of this.functions.entries()) {
      if (!isFold(one)) continue;
      const known = accumulators?.[index] as FoldState | undefined;
      next[index] = one.fold.evaluate(message, known?.state ?? one.start);
    }
    return together(next, (ready) => [...ready]);
  }

  add(accumulators: readonly Accumulator[], values: readonly unknown[], time: number): void {
    for (const [index, accumulator] of accumulators.entries()) accumulator.add(values[index], time);
  }

  /** The fields of the result. */
  result(accumulators: readonly Accumulator[]): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [index, { field }] of this.functions.entries()) result[field] = accumulators[index]?.result;
    return result;
  }

  private checked(values: unknown[]): unknown[] {
    for (const [index, one] of this.functions.entries()) {
      if (isFold(one)) continue;
      const { name, of } = one;
      const value = values[index];
      if (value === undefined || value === null) values[index] = undefined;
      else if (NUMERIC.has(name)) values[index] = numeric(value, of?.text ?? '');
    }
    return values;
  }
}

function numeric(value: unknown, expression: string): number {
  const number = typeof value === 'string' ? (numberIn(value) ?? value) : value;
  if (number instanceof ExactNumber) return number.valueOf();
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression} gives ${quote(String(value))}, which is not a number`);
}

/** The number that a text is, such as a value of CSV; one that a double cannot hold is refused as it would be as a number. */
function numberIn(text: string): ExactNumber | undefined {
  const digits = text.trim();
  return digits !== '' && Number.isFinite(Number(digits)) ? new ExactNumber(digits) : undefined;
}

function isFold(one: AggregateFunction): one is FoldFunction {
  return 'fold' in one;
}

function isFoldSetting(of: object): of is { readonly fold: Fold; readonly start: unknown } {
  return 'fold' in of;
}

function functionOf(name: string, of: z.output<typeof aggregated>): AggregateFunction {
  if (of === 'count') return { field: name, name: 'count', of: undefined };
  if (isFoldSetting(of)) return { field: name, fold: of.fold, start: foldedOf(of.start, of.fold.text) };
  const [[kind, expression]] = Object.entries(of as object) as [[AccumulatorName, Expression]];
  return { field: name, name: kind, of: expression };
}
