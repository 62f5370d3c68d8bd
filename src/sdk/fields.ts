import { z } from 'zod';
import { hostMistake, hostPatternMistake, type UrlRule, urlMistake } from '../core/address.ts';
import {
  BYTE_RATE,
  DURATION,
  parseByteQuota,
  parseDuration,
  parseQuota,
  parseRate,
  parseSize,
  QUOTA,
  type Quota,
  RATE,
  SIZE,
} from '../core/units.ts';
import { compiled } from './compiled.ts';
import { compileCondition, compileExpression, compilePaths } from './expression.ts';
import { FieldPath } from './field-path.ts';
import { compileFold } from './fold.ts';
import { compileHttpUrl } from './http-url.ts';
import { withoutMarks } from './literal.ts';
import { compileTemplateValue } from './template-value.ts';

/*
 * Building blocks for component settings. A value that was filled in from the environment is always text; each
 * block converts it by its own type, so that a password 0123 stays text and a port 8080 becomes a number.
 */

const numeric = (value: number | string) =>
  typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : value;

export const integer = (range: { min?: number; max?: number } = {}) => {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
  return z.preprocess(
    numeric,
    z
      .int(`expected a whole number from ${min} to ${max}`)
      .min(min, `expected at least ${min}`)
      .max(max, `expected at most ${max}`),
  );
};

/** A number from `min` to `max`. */
export const number = (range: { min: number; max: number }) =>
  z.preprocess(
    numeric,
    z
      .number(`expected a number from ${range.min} to ${range.max}`)
      .min(range.min, `expected at least ${range.min}`)
      .max(range.max, `expected at most ${range.max}`),
  );

export const boolean = () =>
  z.preprocess(
    (value: boolean | string) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('expected true or false'),
  );

export const port = () => integer({ min: 0, max: 65_535 });

const NOT_EVALUATED =
  '"${! }" is not evaluated here; use ${NAME} for a variable of the environment, or $${! for these characters';

/** A host name or an IP address, without scheme and port. */
export const host = () => checked(z.string('expected a host name or an IP address'), hostMistake);

/** Hosts by name or address; `*.example.org` for all subdomains, `*` for any host. */
export const hostPatterns = () => list().pipe(z.array(checked(z.string(), hostPatternMistake)));

/** An address to bind; empty text, such as that of an unset variable, means all addresses. */
export const bindAddress = () =>
  checked(z.string('expected a host name or an IP address'), (text) => (text === '' ? undefined : hostMistake(text)));

/** A URL with a host and one of these schemes, or empty text for none. */
export const url = (rule: UrlRule) =>
  checked(z.string('expected a URL'), (text) => (text === '' ? undefined : urlMistake(text, rule)));

function checked(text: z.ZodString, mistakeOf: (text: string) => string | undefined) {
  return text.superRefine((value, context) => {
    const mistake = value.includes('${!') ? NOT_EVALUATED : mistakeOf(withoutMarks(value));
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake, input: value });
  });
}

/** A duration such as `5ms`, `10s`, `1m`; milliseconds once parsed. */
export const duration = () =>
  z
    .string('expected a duration such as 5ms, 10s or 1m')
    .meta({ pattern: DURATION.source })
    .transform((text, context) => {
      const milliseconds = parseDuration(text);
      if (milliseconds !== undefined) return milliseconds;
      context.issues.push({
        code: 'custom',
        message: `"${text}" is not a duration; use 5ms, 10s, 1m or 1h`,
        input: text,
      });
      return z.NEVER;
    });

/** A rate such as `100/s`, `10/m`; how often a second once parsed, more than 0. */
export const rate = () =>
  z
    .string('expected a rate such as 100/s or 10/m')
    .meta({ pattern: RATE.source })
    .transform((text, context) => {
      const perSecond = parseRate(text);
      if (perSecond !== undefined && perSecond > 0) return perSecond;
      context.issues.push({ code: 'custom', message: `"${text}" is not a rate; use 100/s, 10/m or 1/h`, input: text });
      return z.NEVER;
    });

/** A limit such as `50/s`, `5/m` or `100/10s`; how many, and in how many milliseconds, once parsed. */
export const quota = () => quotaIn(QUOTA, parseQuota, '50/s or 100/10s');

/** A limit in bytes, such as `64KiB/s`. */
export const byteQuota = () => quotaIn(BYTE_RATE, parseByteQuota, '64KiB/s or 10MiB/m');

function quotaIn(form: RegExp, parse: (text: string) => Quota | undefined, such: string) {
  return z
    .string(`expected a limit such as ${such}`)
    .meta({ pattern: form.source })
    .transform((text, context) => {
      const read = parse(text);
      if (read !== undefined && read.count > 0) return read;
      const message = `"${text}" is not a limit; write how many, and in which time (s, m or h), such as ${such}`;
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    });
}

/** A size such as `64KiB`, `1MiB`; bytes once parsed. */
export const size = () =>
  z
    .string('expected a size such as 64KiB or 1MiB')
    .meta({ pattern: SIZE.source })
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes !== undefined) return bytes;
      context.issues.push({ code: 'custom', message: `"${text}" is not a size; use 500B, 64KiB or 1MiB`, input: text });
      return z.NEVER;
    });

/** A list of texts, or one text with commas, as environment variables have it. Empty text is an empty list. */
export const list = () =>
  z.preprocess(
    (value: string | readonly string[]) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : value,
    z.array(z.string()).meta({ type: ['array', 'string'] }),
  );

/** Text in which nothing is evaluated: `${! }` is a mistake, and `$${!` gives these characters. `expected` is the error for what is not text. */
export const plainText = (expected = 'expected text') =>
  z.string(expected).refine((text) => !text.includes('${!'), { error: NOT_EVALUATED, abort: true });

/** How a schema says that a setting holds a secret (JSON Schema, Validation 9.4): `lint --strict` wants it from elsewhere. */
export const SECRET = { writeOnly: true } as const;

/**
 * How a schema says that a setting will not be in a later version, as in `.meta(field.deprecated('use pause'))`: `lint`
 * warns of it, the reference says it, and editors strike it through (JSON Schema, Validation 9.3; the message is that of editors).
 */
export const deprecated = (instead: string) => ({ deprecated: true, deprecationMessage: instead });
/** How a schema says that a setting is the path of a file or directory: in an included file it begins at the folder of that file. */
export const FILE = { 'x-file': true } as const;

/** The path of a file. */
export const filePath = (expected = 'expected the path of a file') => plainText(expected).min(1, expected).meta(FILE);

export const NAME_AS_IT_IS = 'a name is taken as it is; "${! }" is evaluated in values only';

/** Settings by names that the user chooses, in which nothing is evaluated. */
export const byName = <V extends z.ZodType>(value: V) =>
  z.record(
    z.string().refine((name) => !name.includes('${!'), NAME_AS_IT_IS),
    value,
  );

/** Text with `${! expr }` in it, compiled; text without is a constant. */
export const expression = () =>
  compiled(z.string('expected text, with "${! ... }" where a value of the message is meant'), compileExpression);

/** Text with paths such as `${! json.id }` in it, compiled: what needs JSONata is a mistake. */
export const pathExpression = () =>
  compiled(z.string('expected text, with "${! ... }" where a value of the message is meant'), compilePaths);

/** A condition for each message, such as `${! json.type = 'ready' }`, compiled. */
export const condition = () => compiled(z.string('expected an expression such as "${! json.ok }"'), compileCondition);

/** One expression that makes the next `state` of the one so far and a message, compiled. */
export const fold = () => compiled(z.string('expected an expression such as "${! state + json.amount }"'), compileFold);

/** A URL of http or https, with `${! }` in its path and query. Its errors do not quote it. */
export const httpUrl = () => compiled(z.string('expected a URL'), compileHttpUrl);

/** Any value; texts in it may have `${! expr }` in them, which are compiled. */
export const value = () => compiled(z.unknown(), compileTemplateValue);

/** The place of a field in a payload, such as `customer.name`. */
export const path = () =>
  compiled(
    plainText('expected the path of a field, such as customer.name'),
    (text) => new FieldPath(withoutMarks(text)),
  );

/** Paths of fields, as a list or as one text with commas. */
export const paths = () => list().pipe(z.array(path()).min(1, 'expected at least one path'));

/** Settings by paths of fields. */
export const byPath = <V extends z.ZodType>(setting: V) =>
  z.record(
    z.string().superRefine((text, context) => {
      const mistake = text.includes('${!') ? NAME_AS_IT_IS : pathMistake(text);
      if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake, input: text });
    }),
    setting,
  );

function pathMistake(text: string): string | undefined {
  try {
    new FieldPath(withoutMarks(text));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
