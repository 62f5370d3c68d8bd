import { resolve } from 'node:path';
import type { Invariant, PlainInvariant } from '../../config/schema/hold-schema.ts';
import { reasonOf, TidegateError } from '../../core/errors.ts';
import { readJsonSchema } from '../../pipelines/formats/schema-source.ts';
import { SchemaCheck } from '../../sdk/schema-check.ts';
import { batchAtMost, type Judge, noDuplicates, noLoss, orderByKey, settlesOnce } from './delivery-invariants.ts';
import type { Observed } from './observed.ts';
import { deadLettersOnlyFor, expressionHolds, outputFits } from './output-invariants.ts';

/** An invariant with what finds out if a run keeps to it. */
export interface JudgedInvariant {
  readonly invariant: Invariant;
  /** What is wrong in one sentence; undefined where it holds. */
  readonly judge: (observed: Observed) => string | undefined | Promise<string | undefined>;
}

/** What a run has broken. */
export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
}

/** `no_loss: message 1 ...`; what an expression says has its text in it. */
export function sentenceOf({ invariant, message }: Violation): string {
  return invariant.name === 'expression' ? message : `${invariant.name}: ${message}`;
}

const PLAIN: Readonly<Record<PlainInvariant, Judge>> = {
  no_loss: noLoss,
  no_duplicates: noDuplicates,
  order_by_key: orderByKey,
  settles_once: settlesOnce,
};

/** `directory`: where files of schemas are. Throws TG_CONFIG_INVALID for a schema that cannot be used. */
export function judgesOf(hold: readonly Invariant[], directory: string): JudgedInvariant[] {
  return hold.map((invariant) => ({ invariant, judge: judgeOf(invariant, directory) }));
}

/** The first invariant that a run breaks; undefined where all hold. */
export async function violationIn(
  observed: Observed,
  judges: readonly JudgedInvariant[],
): Promise<Violation | undefined> {
  for (const { invariant, judge } of judges) {
    const message = await judge(observed);
    if (message !== undefined) return { invariant, message };
  }
  return undefined;
}

function judgeOf(invariant: Invariant, directory: string): JudgedInvariant['judge'] {
  switch (invariant.name) {
    case 'batch_at_most':
      return batchAtMost(invariant.most);
    case 'dead_letters_only_for':
      return deadLettersOnlyFor(invariant.codes);
    case 'output_schema':
      return outputFits(schemaCheckOf(invariant.schema, directory));
    case 'expression':
      return expressionHolds(invariant.expression);
    default:
      return PLAIN[invariant.name];
  }
}

function schemaCheckOf(schema: string | object, directory: string): SchemaCheck {
  try {
    return new SchemaCheck(schemaOf(schema, directory));
  } catch (error) {
    throw new TidegateError('TG_CONFIG_INVALID', `output_schema: ${reasonOf(error)}`, error);
  }
}

/** The schema itself, or that of a file. Throws an Error that names the file. */
export function schemaOf(schema: string | object, directory: string): object {
  return typeof schema === 'string' ? readJsonSchema(resolve(directory, schema)) : schema;
}
