import { z } from 'zod';
import { compileAnswerTemplate } from './answer-template.ts';
import { compiled } from './compiled.ts';
import { CONNECT_META, type ConnectTemplate, compileConnectTemplate } from './connect-template.ts';
import * as field from './fields.ts';
import { parseWithin } from './parse-within.ts';
import { compileMatcher, type Matcher } from './template.ts';

/*
 * Settings of the messages that the gateway sends to a server, and of the replies that it waits for. Errors never quote
 * them: they may contain secrets.
 */

/**
 * The answer to a message: text, or an object or list that becomes JSON, with `${! }` in its values. If one of the values is
 * missing there is no answer: otherwise messages that need none, such as errors, would be answered. `own`: names in `meta` that
 * the message has itself.
 */
export const template = (own: readonly string[] = []) =>
  compiled(
    json(),
    withPlainNames((source) => compileAnswerTemplate(source, own)),
  );

/** A message that answers no other message: it is made when the gateway connects. */
export const openingTemplate = () => compiled(json(), withPlainNames(compileConnectTemplate));

/** Selects messages of the server: by an expression, or by an object whose fields the JSON of the message must have. */
export const matcher = () =>
  compiled(
    z
      .unknown()
      .refine(
        (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
        aborting('expected an expression or an object'),
      )
      .meta({ type: ['string', 'object'] }),
    withPlainNames((source) => {
      if (typeof source === 'object' && textsIn(source).some((text) => text.includes('${!')))
        throw new Error('fields are compared as they are; to use "${! }" write one expression instead of the object');
      return compileMatcher(source);
    }),
  );

/** As `matcher`, but an object without fields is a mistake: every reply would be a refusal. */
export const rejectMatcher = () =>
  z
    .unknown()
    .refine(
      (value) => typeof value !== 'object' || value === null || Object.keys(value).length > 0,
      aborting('{} matches every reply; name the fields that a refusal has, such as { success: false }'),
    )
    .pipe(matcher());

/** One message that is sent after each connect, and the reply that it waits for. */
export interface Step {
  /** undefined: the server speaks first, and `expect` is what it says. */
  readonly send?: ConnectTemplate | undefined;
  /** How it is sent; undefined for text. Only with `send`. */
  readonly frame?: 'text' | 'binary' | undefined;
  readonly expect?: Matcher | undefined;
  /** Only with `expect`. */
  readonly reject?: Matcher | undefined;
  /** The name of the reply for later messages. Only with `expect`. */
  readonly as?: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Whether the message is made of that value in `meta`. */
export function isMadeOf({ send }: Pick<Step, 'send'>, name: string): boolean {
  return send?.uses.some(([used]) => used === name) === true;
}

/** The name of an answer or a reply in `meta`. */
export const nameInMeta = () =>
  z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected a name of letters, digits and _')
    .refine((name) => !TAKEN.includes(name), 'this name has another meaning in meta');

/** Those of a connect, and those of messages that are answered. */
const TAKEN: readonly string[] = [...CONNECT_META, 'url', 'binary', 'by'];

const REPLY_TIMEOUT = '10s';

const stepWithReply = z
  .strictObject({
    send: openingTemplate()
      .optional()
      .describe('The message; left out where the server speaks first, and `expect` waits for what it says.'),
    frame: z
      .enum(['text', 'binary'])
      .optional()
      .describe('How the message is sent: as text, which is the default, or its bytes in UTF-8 as a binary message.'),
    expect: matcher().optional().describe('Which reply to wait for before the next message is sent.'),
    reject: rejectMatcher()
      .optional()
      .describe('Replies by which the server refuses; one of them ends the connection.'),
    as: nameInMeta()
      .optional()
      .describe('Name of the reply for later messages: `challenge` is `${! meta.challenge.json }`, and `.text`.'),
    timeout: field.duration().prefault(REPLY_TIMEOUT).describe('Longest wait for the reply.'),
  })
  .refine(({ send, expect }) => send !== undefined || expect !== undefined, {
    path: ['send'],
    message: 'without expect there is nothing to wait for; set send, too',
  })
  .refine(({ send, frame }) => frame === undefined || send !== undefined, {
    path: ['frame'],
    message: 'without send nothing is sent; set send, too',
  })
  .refine(({ expect, as }) => as === undefined || expect !== undefined, {
    path: ['as'],
    message: 'without expect no reply is waited for; set expect, too',
  })
  .refine(({ expect, reject }) => reject === undefined || expect !== undefined, {
    path: ['reject'],
    message: 'without expect no reply is waited for; set expect, too',
  });

/** `{ send, frame, expect, reject, as, timeout }`, or the message alone. An object with `send` or `expect` is always the former, so that misspelt fields are found. */
export const openingStep = () => step;

const message = openingTemplate();

const step = z.unknown().transform((value, context): Step => {
  const isLong = typeof value === 'object' && value !== null && ('send' in value || 'expect' in value);
  if (isLong && 'interval' in value) {
    const why = 'interval belongs to all messages: subscribe: { messages: [ ... ], interval: 200ms }';
    context.issues.push({ code: 'custom', path: ['interval'], message: why, input: value.interval });
    return z.NEVER;
  }
  const parsed = parseWithin<Step | ConnectTemplate>(isLong ? stepWithReply : message, value, context);
  return typeof parsed === 'function' ? { send: parsed, timeout: 0 } : parsed;
});

/** The messages of `subscribe`. */
export interface Subscription {
  readonly messages: readonly Step[];
  /** Milliseconds between two of them; undefined if the setting is the messages alone. */
  readonly interval?: number | undefined;
}

const steps = z.preprocess(
  (value) => (value === undefined || Array.isArray(value) ? value : [value]),
  z.array(step).meta({ type: ['array', 'string', 'object'] }),
);

const pacedSteps = z.strictObject({
  messages: steps.describe('The messages.'),
  interval: field.duration().describe('Shortest time between two messages.'),
});

/** `{ messages, interval }`, or the messages alone. An object with both names is always the former. */
export const subscription = z
  .unknown()
  .meta({ type: ['array', 'string', 'object'] })
  .transform((value, context): Subscription => {
    const isPaced = typeof value === 'object' && value !== null && 'messages' in value && 'interval' in value;
    if (!isPaced && hasSteps(value)) {
      const message = 'without interval this is sent as one message; set interval, or write the list alone';
      context.issues.push({ code: 'custom', path: ['messages'], message, input: value });
      return z.NEVER;
    }
    if (isPaced) return parseWithin<Subscription>(pacedSteps, value, context);
    return { messages: parseWithin<readonly Step[]>(steps, value, context) };
  });

/** `{ messages: [ { send: ... } ] }`: no server has such a message. */
function hasSteps(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('messages' in value)) return false;
  const { messages } = value;
  const isStep = (each: unknown) => typeof each === 'object' && each !== null && 'send' in each;
  return Object.keys(value).length === 1 && (Array.isArray(messages) ? messages.some(isStep) : isStep(messages));
}

function json() {
  return z
    .unknown()
    .refine(
      (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
      aborting('expected text, or an object or list that is sent as JSON'),
    )
    .meta({ type: ['string', 'object', 'array'] });
}

/**
 * Options of a refinement before something is compiled: without `abort`, zod would run the refinements of the settings
 * around it on the raw value.
 */
function aborting(error: string) {
  return { error, abort: true };
}

/** Names are not evaluated: an expression in one is a mistake. */
function withPlainNames<T>(compile: (source: unknown) => T): (source: unknown) => T {
  return (source) => {
    if (namesIn(source).some((name) => name.includes('${!'))) throw new Error(field.NAME_AS_IT_IS);
    return compile(source);
  };
}

function textsIn(source: unknown): string[] {
  if (typeof source === 'string') return [source];
  return typeof source === 'object' && source !== null ? Object.values(source).flatMap(textsIn) : [];
}

function namesIn(source: unknown): string[] {
  if (typeof source !== 'object' || source === null) return [];
  return [...Object.keys(source), ...Object.values(source).flatMap(namesIn)];
}
