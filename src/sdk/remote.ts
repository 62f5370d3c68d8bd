import { z } from 'zod';
import type { Expression } from './expression.ts';
import * as field from './fields.ts';
import {
  type ConnectTemplate,
  compileHeader,
  compileSubprotocol,
  compileUrl,
  type HandshakeText,
  isConstant,
  type RemoteUrl,
  withoutMessage,
} from './handshake.ts';
import { compileMatcher, compileTemplate, type Matcher, type Template } from './template.ts';

/*
 * Settings of a connection that the gateway dials. Mistakes never quote a URL, a header or a token: they may be secret.
 */

/**
 * An answer to a message: text, or an object or list that becomes JSON, with `${! path }` in its values. There is none
 * where one of the values is missing: a message that is not meant, such as an error of the server, would be answered.
 */
export const template = () =>
  compiled(
    json(),
    withPlainNames((source) => compileTemplate(source, true)),
  );

/** A message that answers none, so that there is nothing to take values from but cursor and token. */
export const openingTemplate = () =>
  compiled(
    json(),
    withPlainNames((source) => {
      const make = compileTemplate(source);
      if (make.expressions.flatMap(({ reads }) => reads).some(({ path }) => !isOpening(path)))
        throw new Error(
          'is no answer to a message, so it cannot use one; there are ${! meta.cursor } and ${! meta.token }',
        );
      return withoutMessage(make);
    }),
  );

/** An object as cursor has fields. */
function isOpening([root, name]: readonly string[]): boolean {
  return root === 'meta' && (name === 'token' || name === 'cursor');
}

/** What a message of the server has to be: an expression, or an object whose fields its JSON must have. */
const matcher = () =>
  compiled(
    z
      .unknown()
      .refine(
        (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
        ending('expected an expression or an object'),
      )
      .meta({ type: ['string', 'object'] }),
    withPlainNames((source) => {
      if (typeof source === 'object' && textsIn(source).some((text) => text.includes('${!')))
        throw new Error('fields are compared as they are; to use "${! }" write one expression in place of the object');
      return compileMatcher(source);
    }),
  );

/** As `matcher`; an object without fields would take every reply for a refusal. */
const rejectMatcher = () =>
  z
    .unknown()
    .refine(
      (value) => typeof value !== 'object' || value === null || Object.keys(value).length > 0,
      ending('{} is every reply; name the fields that a refusal has, such as { success: false }'),
    )
    .pipe(matcher());

/** One message that is sent after each connect, and what is waited for. */
export interface Step {
  readonly send: ConnectTemplate;
  readonly expect?: Matcher | undefined;
  /** Only beside `expect`. */
  readonly reject?: Matcher | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

const REPLY_TIMEOUT = '10s';

const awaited = z
  .strictObject({
    send: openingTemplate().describe('The message.'),
    expect: matcher().optional().describe('What the reply has to be; the next message waits for it.'),
    reject: rejectMatcher().optional().describe('What a reply is by which the server refuses; it ends the connection.'),
    timeout: field.duration().prefault(REPLY_TIMEOUT).describe('Longest wait for that reply.'),
  })
  .refine(({ expect, reject }) => reject === undefined || expect !== undefined, {
    path: ['reject'],
    message: 'no reply is waited for without expect; give expect, too',
  });

/** `{ send, expect, reject, timeout }`, or the message alone. An object with `send` is always the former, so that slips are found. */
const step = z.unknown().transform((value, context): Step => {
  const isLong = typeof value === 'object' && value !== null && 'send' in value;
  const parsed = isLong ? awaited.safeParse(value) : awaited.shape.send.safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) context.issues.push(issue as z.core.$ZodRawIssue);
    return z.NEVER;
  }
  return typeof parsed.data === 'function' ? { send: parsed.data, timeout: 0 } : parsed.data;
});

/** `ws://` or `wss://`, with `${! meta.token }` and `${! meta.cursor }`. Its own errors say nothing of what was given. */
export const remoteUrl = () => compiled(z.string('expected a URL'), compileUrl);

const headers = z
  .record(
    z.string(),
    z.preprocess(
      (value) => (typeof value === 'number' ? String(value) : value),
      z.string('expected text').meta({ type: ['string', 'number'] }),
    ),
  )
  .transform((given, context): Readonly<Record<string, HandshakeText>> => {
    const made: Record<string, HandshakeText> = {};
    for (const [name, text] of Object.entries(given)) {
      try {
        made[name] = compileHeader(name, text);
      } catch (error) {
        context.issues.push({ code: 'custom', path: [name], message: (error as Error).message, input: text });
      }
    }
    return made;
  });

/** RFC 6455 4.1: none twice; which texts with expressions are equal only a connect can tell. */
const protocols = field
  .list()
  .pipe(
    z
      .array(compiled(z.string(), compileSubprotocol))
      .refine((given) => isUnique(given.map(({ text }) => text).filter(isConstant)), 'a subprotocol is offered twice'),
  );

const auth = z
  .strictObject({
    token: field.plainText().optional().describe('The token itself; an empty one is none.'),
    token_file: field.plainText().optional().describe('File that holds the token; read at each connect.'),
    token_command: z
      .union([field.plainText(), z.array(field.plainText()).min(1)])
      .optional()
      .describe('Command that prints the token; run at each connect. A text is run by the shell, a list without one.'),
    handshake: field
      .boolean()
      .prefault(true)
      .describe(
        'Whether the handshake carries it as `Authorization: Bearer`. Messages may have it as `${! meta.token }`.',
      ),
  })
  .refine(
    ({ token, token_file, token_command }) =>
      [token, token_file, token_command].filter((each) => each !== undefined).length === 1,
    'give one of token, token_file and token_command',
  );

const reconnect = z.strictObject({
  enabled: field
    .boolean()
    .prefault(true)
    .describe('False: the pipeline has FAILED once the connection is lost or cannot be made.'),
  interval: field.duration().optional().describe('The same pause before each try, in place of the back-off.'),
  backoff: z
    .strictObject({
      initial: field.duration().prefault('500ms').describe('First pause; it doubles each time, with jitter.'),
      max: field.duration().prefault('30s').describe('Longest pause.'),
    })
    .refine(({ initial, max }) => initial <= max, {
      path: ['initial'],
      message: 'the first pause is longer than backoff.max',
    })
    .prefault({})
    .describe('Pauses between tries; they begin anew once a connection has lasted 10 s.'),
});

const heartbeat = z.strictObject({
  ping: field.duration().prefault('20s').describe('Interval of our pings; 0s sends none.'),
  timeout: field
    .duration()
    .prefault('10s')
    .describe('A server of which nothing at all is read for so long after a ping is given up.'),
  send: z
    .strictObject({
      every: field.duration().describe('Interval of the message.'),
      message: openingTemplate().describe('The message.'),
    })
    .optional()
    .describe('A message that the server wants to see regularly.'),
  expect: z
    .strictObject({
      within: field.duration().describe('Longest time between two of them.'),
      frame: matcher().optional().describe('Which messages count; all of them where it is left out.'),
    })
    .optional()
    .describe('Messages that have to come regularly; without them the connection is given up as stale.'),
});

const tls = z.strictObject({
  ca: field
    .plainText()
    .optional()
    .describe('Path of a PEM file with the certificates to trust; the system ones where left out.'),
  cert: field
    .plainText()
    .optional()
    .describe('Path of a PEM file with our own certificate, where the server asks for one.'),
  key: field.plainText().optional().describe('Path of a PEM file with the key of `cert`.'),
  servername: field.plainText().optional().describe('Name to ask for (SNI) and to check the certificate against.'),
  reject_unauthorized: field.boolean().prefault(true).describe('False accepts any certificate: for tests only.'),
});

/** What a source and a sink that dial have in common. */
export const remoteShape = {
  headers: headers
    .prefault({})
    .describe(
      'Headers of the handshake, with `${! meta.token }` and `${! meta.cursor }` filled in; one without its value is left out. Never written to logs.',
    ),
  protocols: protocols
    .prefault([])
    .describe(
      'Subprotocols to offer, the preferred one first; filled in as headers are. A server may choose none of them.',
    ),
  auth: auth.optional().describe('A bearer token.'),
  subscribe: z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(step).meta({ type: ['array', 'string', 'object'] }),
    )
    .prefault([])
    .describe(
      'Messages to send after each connect, in this order: text, JSON, or `{ send, expect, reject, timeout }` where a reply is waited for.',
    ),
  reconnect: reconnect.prefault({}).describe('What happens when the connection is lost.'),
  connect_timeout: field
    .duration()
    .prefault('30s')
    .describe('Longest time for the token, network, proxy, TLS and handshake together.'),
  heartbeat: heartbeat.prefault({}).describe('How a connection that has died silently is found out.'),
  proxy: field
    .plainText('expected a URL')
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      'expected an http:// or https:// URL',
    )
    .optional()
    .describe('HTTP proxy to go through (CONNECT), such as http://user:password@proxy:3128.'),
  tls: tls.optional().describe('Certificates for wss://.'),
  compression: field.boolean().prefault(false).describe('Whether permessage-deflate is offered.'),
  max_frame: field
    .size()
    .prefault('16MiB')
    .describe('Largest message that is taken, decompressed; a larger one costs the connection.'),
};

const remoteObject = z.object(remoteShape);
export type RemoteSettings = z.output<typeof remoteObject>;

/** How a feed is read, apart from where it comes from. */
export interface FeedSettings extends RemoteSettings {
  /** Each of them is a connection of its own. */
  readonly url: readonly RemoteUrl[];
  readonly overflow: 'pause' | 'drop_oldest' | 'drop_newest';
  /** What is kept while the pipeline holds, where frames may be dropped. Bytes. */
  readonly buffer: { readonly messages: number; readonly bytes: number };
  readonly resume?:
    | { readonly cursor: Expression; readonly message?: ConnectTemplate | undefined; readonly topic: string }
    | undefined;
  /** `within`: milliseconds; 0 for any time. */
  readonly dedupe?: { readonly id: Expression; readonly window: number; readonly within: number } | undefined;
  readonly ack?: { readonly message: Template } | undefined;
  readonly gap?: { readonly record: boolean; readonly topic?: string | undefined } | undefined;
}

/** How records are sent to a remote socket. */
export interface RemoteSinkSettings extends RemoteSettings {
  readonly url: RemoteUrl;
  readonly frame: 'text' | 'binary';
  readonly confirm: 'written' | 'pong';
  readonly tombstones: 'skip' | 'send';
}

function json() {
  return z
    .unknown()
    .refine(
      (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
      ending('expected text, or an object or list that is sent as JSON'),
    )
    .meta({ type: ['string', 'object', 'array'] });
}

function compiled<S extends z.ZodType, T>(schema: S, compile: (source: z.output<S>) => T) {
  return schema.transform((source, context): T => {
    try {
      return compile(source);
    } catch (error) {
      context.issues.push({ code: 'custom', message: (error as Error).message, input: source });
      return z.NEVER;
    }
  });
}

/**
 * For the refinement of what is compiled then: without `abort`, zod goes on to the refinements of the settings around it,
 * with the raw value in place of the compiled one.
 */
function ending(error: string) {
  return { error, abort: true };
}

function isUnique(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

/** Names are taken as they are: an expression in one is a mistake. */
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
