import type { Ajv, ErrorObject, FuncKeywordDefinition, Options, ValidateFunction } from 'ajv';
import { TidegateError } from '../core/errors.ts';
import { lazyLibrary } from '../core/lazy-library.ts';
import { quoteValue } from '../core/quote.ts';
import { linearTest } from './linear-regex.ts';

// Loaded with the first schema: most gateways have none.
const draft07 = lazyLibrary<typeof import('ajv')>('ajv');
const draft2019 = lazyLibrary<typeof import('ajv/dist/2019.js')>('ajv/dist/2019.js');
const draft2020 = lazyLibrary<typeof import('ajv/dist/2020.js')>('ajv/dist/2020.js');
const formats = lazyLibrary<typeof import('ajv-formats')>('ajv-formats');

/** What a client sends may break a schema in thousands of places. */
const MAX_ERRORS = 10;

/** A JSON Schema, compiled: what is wrong with a value, each with its place. */
export class SchemaCheck {
  /** Finds every mistake; of a schema that refers to itself the first one. */
  private readonly all: ValidateFunction;
  private first: ValidateFunction | undefined;
  private readonly schema: object;

  /** Throws an Error that says what is wrong with the schema. */
  constructor(schema: object) {
    const leadsBack = isRecursive(schema);
    this.schema = schema;
    // To find all in each branch at each depth takes twice the time for each level, where branches lead back.
    this.all = compile(schema, !leadsBack);
    if (leadsBack) this.first = this.all;
  }

  /**
   * Such as `/id must be integer; /items must be array`, at most ten of them; undefined where the value fits.
   * `isFirstEnough`: to stop at the first mistake. Throws TG_MESSAGE_INVALID for a value that is nested too deeply.
   */
  mistakesIn(json: unknown, isFirstEnough: boolean): string | undefined {
    const fits = isFirstEnough ? this.firstOnly() : this.all;
    try {
      if (fits(json)) return undefined;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new TidegateError('TG_MESSAGE_INVALID', 'the payload is nested too deeply for its schema', error);
    }
    return described(fits.errors ?? []);
  }

  /** Compiled when it is first asked for. */
  private firstOnly(): ValidateFunction {
    this.first ??= compile(this.schema, false);
    return this.first;
  }
}

/** Throws an Error that says what is wrong with the schema. */
function compile(schema: object, allErrors: boolean): ValidateFunction {
  const ajv = engineFor('$schema' in schema ? schema.$schema : undefined, { ...OPTIONS, allErrors });
  formats().default(ajv);
  const url = linearUrl();
  // Without white space a path always ends with the text, so that no end is looked for twice.
  ajv.addFormat('url', (text: string) => !/\s/.test(text) && url.test(text));
  ajv.removeKeyword('uniqueItems').addKeyword(UNIQUE_ITEMS);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new Error(`the schema cannot be used: ${quoteValue((error as Error).message)}`);
  }
}

/** As ajv-formats has it, whose own tries each colon with each end of a user's name: a second for each 70 KiB. */
function linearUrl(): RegExp {
  const { source, flags } = formats().default.get('url') as RegExp;
  return new RegExp(source.replace('\\S+(?::\\S*)?@', '\\S+@'), flags);
}

/** Unknown keywords are mistakes in writing more often than notes. */
const OPTIONS: Options = {
  strict: true,
  // Else every object has a constructor, and a toString.
  ownProperties: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  logger: false,
  code: { regExp: Object.assign(linearTest, { code: 'linearTest' }) },
};

/** That of ajv compares each item with each other one. */
const UNIQUE_ITEMS: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: { message: 'must NOT have duplicate items' },
  validate: (isWanted: boolean, items: readonly unknown[]) =>
    !isWanted || new Set(items.map((item) => JSON.stringify(sorted(item)))).size === items.length,
};

/** With the fields of objects in one order, as it makes no difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // In a list of its own, so that no list looks like an object.
  return { fields: fields.map(([name, inner]) => [name, sorted(inner)]) };
}

const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

/** Whether references lead back to where they are; one by a name counts as if it did. */
function isRecursive(schema: object): boolean {
  const around = new Set<unknown>();
  const done = new Set<unknown>();
  const leadsBack = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null || done.has(part)) return false;
    if (around.has(part)) return true;
    around.add(part);
    const found = Object.entries(part).some(([name, inner]) =>
      leadsBack(REFERENCES.has(name) && typeof inner === 'string' ? targetOf(schema, inner) : inner),
    );
    around.delete(part);
    done.add(part);
    return found;
  };
  return leadsBack(schema);
}

/** The part of a schema to which a reference within it leads; the whole for one by a name. */
export function targetOf(schema: object, reference: string): unknown {
  if (!reference.startsWith('#/')) return schema;
  let part: unknown = schema;
  for (const step of decodeURIComponent(reference.slice(2)).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    part = (part as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  return part;
}

function engineFor(draft: unknown, options: Options): Ajv {
  if (typeof draft !== 'string' || draft.includes('2020-12')) return new (draft2020().Ajv2020)(options);
  if (draft.includes('2019-09')) return new (draft2019().Ajv2019)(options);
  if (draft.includes('draft-07')) return new (draft07().Ajv)(options);
  throw new Error(`"${quoteValue(draft)}" is not a draft that is known; there are 2020-12, 2019-09 and draft-07`);
}

function described(errors: readonly ErrorObject[]): string {
  const all = errors.slice(0, MAX_ERRORS).map((error) => quoteValue(`${error.instancePath || '/'} ${wordsOf(error)}`));
  if (errors.length > MAX_ERRORS) all.push(`and ${errors.length - MAX_ERRORS} more`);
  return all.join('; ');
}

/** Where a field is one too many, which one; where a value is one of several, of which. */
function wordsOf({ keyword, message = 'is wrong', params }: ErrorObject): string {
  if (keyword === 'additionalProperties') return `${message}: ${params.additionalProperty}`;
  if (keyword === 'unevaluatedProperties') return `${message}: ${params.unevaluatedProperty}`;
  if (keyword === 'enum') return `${message}: ${JSON.stringify(params.allowedValues)}`;
  if (keyword === 'const') return `${message}: ${JSON.stringify(params.allowedValue)}`;
  return message;
}
