import { field, isHeaderName, isHeaderValue, tlsSettings, z } from '../../../sdk/index.ts';
import { asSetting } from './topic-table.ts';

/** Headers that follow from the request. */
const OWN_HEADERS = /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive)$/i;

/** Errors do not quote a value, which may be a secret. */
const headers = field
  .byName(
    z.preprocess(
      (value) => (typeof value === 'number' ? String(value) : value),
      field.plainText().meta({ type: ['string', 'number'] }),
    ),
  )
  .superRefine((given, context) => {
    for (const [name, value] of Object.entries(given)) {
      const mistake = headerMistake(name, value);
      if (mistake !== undefined) context.addIssue({ code: 'custom', path: [name], message: mistake });
    }
  });

function headerMistake(name: string, value: string): string | undefined {
  if (OWN_HEADERS.test(name)) return 'follows from the request itself and cannot be set';
  if (!isHeaderName(name)) return 'is not a valid header name';
  return isHeaderValue(name, value) ? undefined : 'has a character that HTTP does not allow in a header';
}

export const httpSettings = z
  .strictObject({
    url: field
      .httpUrl()
      .describe(
        'URL; values of `"${! }"` in its path and query are percent-encoded. Without one of them it is a miss.',
      ),
    method: z.enum(['GET', 'POST'], 'expected GET or POST').default('GET').describe('Method of the request.'),
    headers: headers
      .prefault({})
      .describe('Headers of the request, such as `authorization`: the same for all messages, and never logged.'),
    body: field
      .value()
      .optional()
      .describe('Body of a POST as JSON: any value, with `"${! }"` for one of the message.'),
    as: asSetting(),
    timeout: field.duration().default(5_000).describe('Timeout of one request: connect, send and the whole answer.'),
    give_up_after: field
      .duration()
      .optional()
      .describe(
        'Longest time of one lookup, with all its retries and pauses. Each of `on_error.retries` has as long again. Left out: 15s, or `timeout` where that is longer.',
      ),
    max_bytes: field.size().default(1_048_576).describe('Largest answer that is read.'),
    retries: field
      .integer({ max: 100 })
      .default(3)
      .describe('How often a request is sent again that had no answer, or one with 408, 425, 429 or 5xx.'),
    backoff: z
      .strictObject({
        initial: field.duration().default(100).describe('First pause; it doubles with each retry, with jitter.'),
        max: field.duration().default(5_000).describe('Longest pause, also where `Retry-After` asks for a longer one.'),
      })
      .prefault({})
      .describe('Pauses between retries.'),
    concurrency: field
      .integer({ min: 1, max: 1_000 })
      .default(8)
      .describe('Most requests at a time; messages of a key stay in order. Within `try` it is always 1.'),
    cache: z
      .strictObject({
        keys: field.integer({ min: 0 }).default(10_000).describe('Answers that are kept; 0 keeps none.'),
        bytes: field
          .size()
          .default(16 * 1024 * 1024)
          .describe('Memory that they may take, about.'),
        ttl: field.duration().default(60_000).describe('How long an answer with a value is used; 0s: not at all.'),
        miss_ttl: field.duration().default(10_000).describe('How long an answer that there is none is used.'),
      })
      .prefault({})
      .describe('Answers are kept by URL and body. Those used least recently make room for others.'),
    tls: tlsSettings.optional().describe('Certificates for https://.'),
  })
  .refine(({ method, body }) => body === undefined || method === 'POST', {
    path: ['body'],
    message: 'only a POST has a body; set method: POST, or remove it',
  })
  .refine(({ timeout, give_up_after: longest }) => longest === undefined || longest >= timeout, {
    path: ['give_up_after'],
    message: 'is shorter than timeout, the longest time of one request; make timeout as short, or this longer',
  });
