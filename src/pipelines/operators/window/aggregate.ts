import { ExactNumber, type Expression, field, type Message, quote, TidegateError, z } from '../../../sdk/index.ts';
import { ACCUMULATORS, type Accumulator, type AccumulatorName, NUMERIC } from './accumulators.ts';

const NAMES = Object.keys(ACCUMULATORS) as readonly AccumulatorName[];
const RESERVED = ['key', 'start', 'end'];

const aggregated = z.union(
  [z.literal('count'), ...NAMES.map((name) => z.strictObject({ [name]: field.expression() }))],
  `expected count, or one of ${NAMES.join(', ')} with an expression, such as { sum: "\${! json.amount }" }`,
);

/** `aggregate: { n: count, total: { sum: "${! json.amount }" } }`: fields of the result by their names. */
export const aggregateSettings = () =>
  z
    .record(z.string(), aggregated)
    .refine((fields) => Object.keys(fields).length > 0, 'name at least one field of the result, such as { n: count }')
    .refine((fields) => RESERVED.every((name) => !Object.hasOwn(fields, name)), {
      error: `key, start and end are fields of every result; give yours other names`,
    })
    .transform((fields) => new Aggregate(Object.entries(fields).map(([name, of]) => functionOf(name, of))));

interface AggregateFunction {
  readonly field: string;
  readonly name: AccumulatorName;
  /** Left out: each record counts. */
  readonly of: Expression | undefined;
}

/** The functions over the records of one window and key. */
export class Aggregate {
  private readonly functions: readonly AggregateFunction[];
  private readonly isSynchronous: boolean;

  constructor(functions: readonly AggregateFunction[]) {
    this.functions = functions;
    this.isSynchronous = functions.every(({ of }) => of === undefined || of.isSynchronous);
  }

  create(): Accumulator[] {
    return this.functions.map(({ name }) => ACCUMULATORS[name]() as Accumulator);
  }

  /** What the expressions give for a record, in the order of the functions. Throws or rejects with TG_EXPRESSION_FAILED. */
  values(message: Message): unknown[] | Promise<unknown[]> {
    const values = this.functions.map(({ of }) => (of === undefined ? true : of.evaluate(message)));
    return this.isSynchronous ? this.checked(values) : Promise.all(values).then((ready) => this.checked(ready));
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
    for (const [index, { name, of }] of this.functions.entries()) {
      const value = values[index];
      if (value === undefined || value === null) values[index] = undefined;
      else if (NUMERIC.has(name)) values[index] = numeric(value, of?.text ?? '');
    }
    return values;
  }
}

function numeric(value: unknown, expression: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (number instanceof ExactNumber) return number.valueOf();
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new TidegateError('TG_EXPRESSION_FAILED', `${expression} gives ${quote(String(value))}, which is not a number`);
}

function functionOf(name: string, of: unknown): AggregateFunction {
  if (of === 'count') return { field: name, name: 'count', of: undefined };
  const [[kind, expression]] = Object.entries(of as object) as [[AccumulatorName, Expression]];
  return { field: name, name: kind, of: expression };
}
