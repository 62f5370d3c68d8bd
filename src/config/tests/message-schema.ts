import { z } from 'zod';
import { oneOf } from './forms.ts';
import { type AnyValue, type Condition, compilePattern, type Pattern, type PatternMistake } from './pattern.ts';

/** How a payload may be given; exactly one of them. */
const PAYLOADS = ['json', 'text', 'base64'] as const;

const headers = z.record(z.string(), z.string('expected text; put the value in quotes'));

const timestamp = z
  .union(
    [z.number().int().min(0), z.iso.datetime({ offset: true })],
    'expected a time such as "2026-01-31T12:00:00Z", or milliseconds since 1970',
  )
  .transform((time) => (typeof time === 'number' ? time : Date.parse(time)));

const base64 = z.base64('expected base64');

/** A payload as a test gives it, to a pipeline, a client or a topic. */
export const givenPayload = {
  json: z.unknown().optional().describe('Payload: this value as JSON.'),
  text: z.string().optional().describe('Payload: this text.'),
  base64: base64.optional().describe('Payload: these bytes.'),
};

/** A message that a test puts into a pipeline or a topic. */
export const givenMessage = {
  ...givenPayload,
  key: z.string().nullable().optional().describe('Key of the record.'),
  headers: headers.optional().describe('Headers by name.'),
  meta: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Facts about where it came from, such as client_id, for a pipeline whose source is not a topic.'),
  topic: z.string().optional().describe('Topic that it is in; needed if the source reads several.'),
  timestamp: timestamp.optional().describe('Time of the record.'),
};

export const messageSchema = z.strictObject(givenMessage).superRefine(hasOnePayload);
export type GivenMessage = z.output<typeof messageSchema>;

/** A test may write a payload in three ways, and has to choose one. */
export function hasOnePayload(given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void {
  const forms = PAYLOADS.filter((form) => given[form] !== undefined);
  if (forms.length === 1 || context.issues.length > 0) return;
  const message =
    forms.length === 0
      ? 'a message needs a payload: json, text or base64'
      : `a message has one payload, and this has ${forms.length}: ${forms.join(', ')}`;
  context.addIssue({ code: 'custom', message, input: given });
}

/** What has to be true of one message: all that is given. */
export interface ExpectedFields {
  /** The payload as JSON, with nothing more and nothing less. */
  readonly json?: Pattern;
  /** Parts of the payload as JSON: what the objects have besides is not looked at. */
  readonly contains?: Pattern;
  readonly text?: Pattern;
  readonly base64?: Pattern;
  /** null: it has no key. */
  readonly key?: Pattern;
  /** By name; null: there is no such header. Other headers are not looked at. */
  readonly headers?: Readonly<Record<string, Pattern>>;
  readonly topic?: Pattern;
  readonly timestamp?: Pattern;
}

/** One message that is expected: any, one for which a condition is true, or one with these fields. */
export type Expected = AnyValue | Condition | ExpectedFields;

function toPattern(value: unknown, context: z.core.$RefinementCtx): Pattern {
  const mistakes: PatternMistake[] = [];
  const compiled = compilePattern(value, mistakes);
  for (const { path, message } of mistakes)
    context.issues.push({ code: 'custom', path: [...path], message, input: value });
  return compiled;
}

const pattern = z.unknown().transform(toPattern);

const textPattern = z.string('expected text').transform(toPattern);

const payloadFields = {
  json: pattern.optional().describe('The payload as JSON, with nothing more and nothing less.'),
  contains: pattern.optional().describe('Parts of the payload as JSON; more fields of its objects are allowed.'),
  text: textPattern.optional().describe('The payload as text.'),
  base64: z
    .union([z.literal('*'), base64], 'expected base64')
    .transform(toPattern)
    .optional()
    .describe('The payload as bytes.'),
};

const expectedFields = z
  .strictObject({
    ...payloadFields,
    key: z.string('expected text').nullable().transform(toPattern).optional().describe('The key; null: there is none.'),
    headers: z
      .record(z.string(), z.string('expected text; put the value in quotes').nullable().transform(toPattern))
      .optional()
      .describe('Headers by name; null: there is no such header. Others are not looked at.'),
    topic: textPattern.optional().describe('Name of the topic.'),
    timestamp: z.union([timestamp, z.string()]).transform(toPattern).optional().describe('Time of the record.'),
  })
  .superRefine(saysSomething);

const frameFields = z.strictObject(payloadFields).superRefine(saysSomething);

function saysSomething(given: object, context: z.core.$RefinementCtx): void {
  if (Object.keys(given).length > 0 || context.issues.length > 0) return;
  const message = 'an expectation without a field is true for every message; write "*" if that is meant';
  context.addIssue({ code: 'custom', message, input: given });
}

const expectedText = z.string().transform((text, context): AnyValue | Condition => {
  const mistakes: PatternMistake[] = [];
  const compiled = compilePattern(text, mistakes);
  const [mistake] = mistakes;
  if (mistake === undefined && typeof compiled === 'object') return compiled as AnyValue | Condition;
  const message =
    mistake?.message ??
    `expected a message: { json: ... }, { text: ${JSON.stringify(text)} }, "*" or "\${! condition }"`;
  context.issues.push({ code: 'custom', message, input: text });
  return z.NEVER;
});

const FORMS = 'expected a message: { json: ... }, { text: ... }, "*" or "${! condition }"';

/** A record or message that is expected. */
export const expectedMessage: z.ZodType<Expected> = oneOf<Expected>(FORMS, {
  string: expectedText,
  object: expectedFields,
});
/** A frame that a client is expected to receive. */
export const expectedFrame: z.ZodType<Expected> = oneOf<Expected>(FORMS, { string: expectedText, object: frameFields });

/** `"*"` in place of a list: any number of messages, whatever they are. */
export const ANYTHING = '*';

/** A list of messages, or `"*"`. */
export function expectedList(one: z.ZodType<Expected>): z.ZodType<readonly Expected[] | typeof ANYTHING> {
  return oneOf<readonly Expected[] | typeof ANYTHING>('expected a list of messages, [] for none, or "*" for any', {
    string: z.literal(ANYTHING),
    array: z.array(one),
  });
}
