import { z } from 'zod';
import { ALGORITHM_NAMES, usesSecret } from '../../auth/algorithms.ts';
import { isHash, readHash } from '../../auth/scrypt-hash.ts';
import { tokenMistake } from '../../auth/static-tokens.ts';
import { publicKeyOf, secretKeyFor } from '../../auth/verification-key.ts';
import { reasonOf } from '../../core/errors.ts';
import * as field from '../../sdk/fields.ts';

/** Where keys may come from. */
const KEY_SOURCES = ['jwks', 'jwks_file', 'secret', 'key', 'key_file', 'keys'] as const;

const file = (what: string) => field.filePath().optional().describe(`${what} The file is read again when it changes.`);

const jwtShape = z.strictObject({
  jwks: field
    .url({ schemes: ['https', 'http'], example: 'https://id.example.com/keys' })
    .min(1, 'expected a URL such as https://id.example.com/keys')
    .optional()
    .describe('URL of a JWK set (RFC 7517), which the issuer publishes. Redirects are not followed.'),
  jwks_file: file('A JWK set. Secrets in it (kty: oct) count for HS algorithms.'),
  secret: field
    .plainText()
    .meta(field.SECRET)
    .optional()
    .describe('Secret of the HS algorithms, whose bytes are those of its UTF-8.'),
  key: field.plainText().optional().describe('Public key or certificate, PEM.'),
  key_file: file('The same in a file.'),
  keys: field
    .byName(field.plainText('expected a public key in PEM'))
    .refine((keys) => Object.keys(keys).length > 0, 'expected at least one key')
    .optional()
    .describe('Public keys by the id (kid) that tokens name them by, PEM.'),
  algorithms: field
    .list()
    .pipe(z.array(z.enum(ALGORITHM_NAMES)).min(1, 'expected at least one algorithm'))
    .describe('Algorithms that are accepted, either HS or others. There is no default, and none of them is "none".'),
  issuer: field.list().prefault([]).describe('Accepted values of iss; any where it is left out.'),
  audience: field
    .list()
    .prefault([])
    .describe('A token has to name one of these in aud; left out: aud is not checked.'),
  clock_skew: field.duration().prefault('30s').describe('How much the clock of the issuer may differ.'),
  cache: field.duration().prefault('10m').describe('Age at which the keys of jwks are fetched again.'),
  max_stale: field
    .duration()
    .prefault('1h')
    .describe(
      'How much longer they are used if the key server does not answer. After that tokens are refused with 503.',
    ),
  refetch: field
    .duration()
    .refine((milliseconds) => milliseconds >= 1_000, 'expected at least 1s')
    .prefault('5s')
    .describe(
      'Shortest time between two requests to the key server. A token with an unknown key waits for the next one.',
    ),
  timeout: field.duration().prefault('5s').describe('How long the key server may take to answer.'),
});

const jwt = jwtShape.superRefine((jwt, context) => {
  // Which was said already.
  if (jwt.algorithms.length === 0) return;
  const fail = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const given = KEY_SOURCES.filter((name) => jwt[name] !== undefined);
  const [source] = given;
  if (source === undefined || given.length > 1) {
    fail(given.slice(1, 2), `expected one of ${KEY_SOURCES.join(', ')}`);
    return;
  }
  const secrets = jwt.algorithms.filter(usesSecret);
  if (secrets.length > 0 && secrets.length < jwt.algorithms.length)
    fail(['algorithms'], 'HS algorithms and those with a public key do not go together; make two entries of auth');
  else if (source === 'secret' && secrets.length === 0) fail(['algorithms'], 'a secret is for HS256, HS384 and HS512');
  else if (source !== 'secret' && source !== 'jwks_file' && secrets.length > 0)
    fail(
      ['algorithms'],
      `${secrets.join(', ')} would take a public key as a secret, which everyone knows; set secret in place of ${source}`,
    );
  else checkKeys(jwt, fail);
});

function checkKeys(
  { secret, key, keys = {}, algorithms }: z.output<typeof jwtShape>,
  fail: (path: string[], message: string) => void,
): void {
  const check = (path: string[], read: () => unknown) => {
    try {
      read();
    } catch (error) {
      fail(path, reasonOf(error));
    }
  };
  if (secret !== undefined) check(['secret'], () => secretKeyFor(secret, algorithms));
  if (key !== undefined) check(['key'], () => publicKeyOf(key));
  for (const [id, pem] of Object.entries(keys)) check(['keys', id], () => publicKeyOf(pem));
}

/** A setting whose value must not be in an error. */
const secretText = (mistakeOf: (text: string) => string | undefined) =>
  field
    .plainText()
    .superRefine((text, context) => {
      const message = mistakeOf(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta(field.SECRET);

const bearer = z
  .strictObject({
    tokens: field
      .byName(secretText(tokenMistake))
      .optional()
      .describe('Tokens by the name of their owner, which is the claim sub.'),
    file: file('Lines such as "ada: token"; those that begin with # are comments.'),
  })
  .refine(({ tokens, file }) => (tokens === undefined) !== (file === undefined), 'expected either tokens or file');

function passwordMistake(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (!isHash(text)) return undefined;
  try {
    readHash(text);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

const basic = z.record(z.string().regex(/^[^:]+$/, 'a user has no colon in the name'), secretText(passwordMistake));

/** RFC 6265 4.1.1; a parameter of a URL may be any text. */
const cookieName = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'expected the name of a cookie');
const place = z.union(
  [
    z.enum(['header', 'protocol']),
    z.strictObject({ query: z.string().min(1, 'expected the name of a parameter') }),
    z.strictObject({ cookie: cookieName }),
  ],
  'expected header, protocol, { query: name } or { cookie: name }',
);

const METHODS = ['jwt', 'bearer', 'basic', 'certificate'] as const;

/** One entry of `auth`. */
export const authSchema = z
  .strictObject({
    jwt: jwt.optional().describe('JSON Web Tokens (RFC 7519), which an issuer signs.'),
    bearer: bearer.optional().describe('Tokens that are known one by one.'),
    basic: basic
      .optional()
      .describe(
        'Users with a password from ${NAME}, or a hash of it as tidegate token hash prints it. The user is the claim sub.',
      ),
    certificate: z
      .strictObject({})
      .optional()
      .describe(
        'Client certificates, which the listener verifies: subject, san (dns, uri, email, ip), serial and fingerprint are claims, and the common name is sub.',
      ),
    token: z
      .array(place)
      .min(1, 'expected at least one place')
      .prefault(['header'])
      .describe(
        'Where a token may be: header (Authorization: Bearer), protocol (the subprotocol bearer.TOKEN, for browsers), { query: name } or { cookie: name }. A client that shows two is refused.',
      ),
  })
  .refine(
    (entry) => METHODS.some((name) => entry[name] !== undefined),
    `expected at least one of ${METHODS.join(', ')}`,
  )
  .describe('How clients say who they are.');
