import { z } from 'zod';
import { compiled } from './compiled.ts';
import { matcher, nameInMeta, openingTemplate } from './connect-messages.ts';
import { compileConnectUrl } from './connect-url.ts';
import * as field from './fields.ts';
import { compileHeader, type HandshakeText } from './handshake.ts';
import type { Matcher } from './template.ts';
import { tlsSettings } from './tls-settings.ts';

/*
 * Calls by HTTP before a connect, whose answers the texts of the connection can use. Errors never quote a URL, a header or
 * a body: they may be secret.
 */

/** Headers with values that are made at each connect. */
export const connectHeaders = z
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

/** Headers that follow from the request. */
const OWN_HEADER = /^(?:host|content-length|transfer-encoding|expect|te|trailer|keep-alive)$/i;

const http = z
  .strictObject({
    url: compiled(z.string('expected a URL'), (text) => compileConnectUrl(text, 'http')).describe(
      'URL to ask; values of `"${! }"` in its path and query are percent-encoded.',
    ),
    method: z.enum(['GET', 'POST', 'PUT']).prefault('GET').describe('Method of the request.'),
    headers: connectHeaders
      .refine(
        (given) => !Object.keys(given).some((name) => OWN_HEADER.test(name)),
        'host, content-length and such follow from the request itself and cannot be set',
      )
      .prefault({})
      .describe('Headers of the request. One whose value is missing is left out. Never logged.'),
    body: openingTemplate()
      .optional()
      .describe('Body: text, or an object or list that is sent as JSON. Without one of its values there is none.'),
    max_bytes: field.size().prefault('1MiB').describe('Largest answer that is read.'),
    tls: tlsSettings.optional().describe('Certificates for https://.'),
  })
  .refine(({ method, body }) => body === undefined || method !== 'GET', {
    path: ['body'],
    message: 'a GET has no body; set method: POST, or remove it',
  });

/** Matches an answer. It is no message of the source, so that lint must not look for what it reads in what the source gives. */
const answerMatcher = matcher().transform((match, context): Matcher => {
  for (const { path } of match.expressions.flatMap(({ reads }) => reads)) {
    const [root, name] = path;
    if (root === 'json' || root === 'text' || (root === 'meta' && name === 'status')) continue;
    const message = `${path.join('.')} has no value here; there are json and text of the answer, and meta.status`;
    context.issues.push({ code: 'custom', path: [], message, input: undefined });
  }
  const expressions = match.expressions.map((expression) => ({ ...expression, reads: [] }));
  return Object.assign((answer: Parameters<Matcher>[0]) => match(answer), { expressions });
});

const call = z.strictObject({
  http: http.describe('The request. Its answer must be JSON, or empty, with a status from 200 to 299.'),
  as: nameInMeta()
    .prefault('session')
    .describe('Name of the answer: `session` is `${! meta.session.json }` and `${! meta.session.headers }`.'),
  expect: answerMatcher
    .optional()
    .describe(
      'Which answers are good, for servers that answer 200 with an error: fields that the JSON must have, such as `{ code: "200000" }`, or an expression of `json` and `meta.status`. With any other answer the attempt to connect fails.',
    ),
});

/** One call, or a list in which later ones can use the answers of earlier ones. */
export const prepareSettings = z
  .preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(call).meta({ type: ['array', 'object'] }),
  )
  .refine(
    (calls) => new Set(calls.map(({ as }) => as)).size === calls.length,
    'two answers have the same name; set as',
  );

export type PrepareCall = z.output<typeof call>;
