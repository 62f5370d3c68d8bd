import { z } from 'zod';
import { BLANK_IN_URL, hasBlank } from '../core/address.ts';
import { compiled } from './compiled.ts';
import { matcher, openingTemplate, subscription, template } from './connect-messages.ts';
import { connectHeaders, prepareSettings } from './connect-prepare.ts';
import { compileConnectUrl } from './connect-url.ts';
import * as field from './fields.ts';
import { compileSubprotocol, isConstant, isSendableToken } from './handshake.ts';
import { withoutMarks } from './literal.ts';
import { reconnect } from './reconnect-settings.ts';
import { certificatePath, tlsSettings } from './tls-settings.ts';

/*
 * Settings of a connection that the gateway dials. Errors never quote a URL, a header or a token: they may be secret.
 */

/** `ws://` or `wss://`, with `${! }`. Its errors do not quote the value. */
export const remoteUrl = () => compiled(z.string('expected a URL'), (text) => compileConnectUrl(text, 'ws'));

/** RFC 6455 4.1: no duplicates; texts with expressions can be compared only at a connect. */
const protocols = field
  .list()
  .pipe(
    z
      .array(compiled(z.string(), compileSubprotocol))
      .refine((given) => isUnique(given.map(({ text }) => text).filter(isConstant)), 'a subprotocol is offered twice'),
  );

const auth = z
  .strictObject({
    token: field
      .plainText()
      .refine(
        (text) => text === '' || isSendableToken(withoutMarks(text)),
        'is only white space, or contains a character that HTTP does not allow in a header, such as a line break',
      )
      .meta(field.SECRET)
      .optional()
      .describe('The token itself; empty text means no token.'),
    token_file: certificatePath().optional().describe('File that contains the token; read at each connect.'),
    token_command: z
      .union([field.plainText(), z.array(field.plainText()).min(1)])
      .optional()
      .describe(
        'Command that prints the token; run at each connect. Text is run by the shell, a list without a shell.',
      ),
    handshake: field
      .boolean()
      .prefault(true)
      .describe(
        'Whether the token is sent in the handshake as `Authorization: Bearer`. Messages can use it as `${! meta.token }`.',
      ),
  })
  .refine(
    ({ token, token_file, token_command }) =>
      [token, token_file, token_command].filter((each) => each !== undefined).length === 1,
    'set exactly one of token, token_file and token_command',
  );

const secrets = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, 'expected a name of letters, digits and _'),
  field.plainText().min(1, 'is empty').transform(withoutMarks).pipe(z.string()).meta(field.SECRET),
);

const reply = z.strictObject({
  when: matcher().describe('Which messages of the server are pings: an expression, or fields that they have.'),
  message: template()
    .optional()
    .describe(
      'The answer, such as \'{"pong":${! json.ping }}\'; without it such a message is not answered. It can use the message, and what `subscribe` can use.',
    ),
});

const heartbeat = z.strictObject({
  ping: field.duration().prefault('20s').describe('Interval of the pings that are sent; 0s sends none.'),
  timeout: field
    .duration()
    .prefault('10s')
    .describe('The connection is closed as stale if nothing at all is read for this time after a ping.'),
  send: z
    .strictObject({
      every: field.duration().describe('Interval of the message.'),
      message: openingTemplate().describe('The message.'),
    })
    .optional()
    .describe('A message that the server expects regularly.'),
  expect: z
    .strictObject({
      within: field.duration().describe('Longest time between two such messages.'),
      frame: matcher().optional().describe('Which messages count; by default all.'),
    })
    .optional()
    .describe('Messages that must arrive regularly; without them the connection is closed as stale.'),
  reply: z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(reply).meta({ type: ['array', 'object'] }),
    )
    .prefault([])
    .describe(
      'Pings that the server sends as messages, and their answers; a list if there are several forms. Such messages do not become records. At most 16 answers wait to be sent.',
    ),
});

/** The settings that a source and a sink that dial have in common. */
export const remoteShape = {
  headers: connectHeaders
    .prefault({})
    .describe(
      'Headers of the handshake; they can use `${! meta.token }` and `${! meta.cursor }`. A header whose value is missing is left out. Never logged.',
    ),
  protocols: protocols
    .prefault([])
    .describe(
      'Subprotocols to offer, in order of preference; they can use the same expressions as headers. A server may choose none of them.',
    ),
  auth: auth.optional().describe('A bearer token.'),
  secrets: secrets
    .optional()
    .describe('Keys by names that you choose: `${! meta.secrets.NAME }` for texts of a connect. Never logged.'),
  prepare: prepareSettings
    .prefault([])
    .describe('HTTP calls before each connect, in this order; texts of the connect can use their answers.'),
  hosts: field
    .hostPatterns()
    .prefault([])
    .describe('Hosts that a `url` which begins with an expression may name, such as `*.example.com`.'),
  subscribe: subscription
    .prefault([])
    .describe(
      'Messages to send after each connect, in this order: text, JSON, or `{ send, frame, expect, reject, as, timeout }` to wait for a reply, which later messages can use by the name `as`. `{ messages, interval }` sends them no faster than one each interval.',
    ),
  send_rate: field
    .quota()
    .optional()
    .describe(
      'Limit of the server on what it receives on a connection, such as 5/s or 100/10s: messages, answers, heartbeats, pings and pongs together. In no such time and a quarter of a second are more sent; what is above it waits.',
    ),
  reconnect: reconnect()
    .prefault({})
    .describe('What to do when the connection is lost, and when a new one replaces it.'),
  connect_timeout: field
    .duration()
    .prefault('30s')
    .describe('Timeout of a connect: token, network, proxy, TLS and handshake together.'),
  heartbeat: heartbeat.prefault({}).describe('How a dead connection is detected.'),
  proxy: field
    .plainText('expected a URL')
    .refine((text) => !hasBlank(text), { error: BLANK_IN_URL, abort: true })
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      'expected an http:// or https:// URL',
    )
    .refine(hasReadableUser, 'user and password before the @ must be percent-encoded; write %25 for a %')
    .optional()
    .describe('HTTP proxy to use (CONNECT), such as http://user:password@proxy:3128.'),
  tls: tlsSettings.optional().describe('Certificates for wss://.'),
  compression: field.boolean().prefault(false).describe('Whether permessage-deflate is offered.'),
  decompress: z
    .enum(['gzip', 'deflate', 'auto'])
    .optional()
    .describe(
      'How the server compresses its binary messages. deflate: with or without the header of zlib. auto: gzip and zlib by their first bytes; other messages pass. A result that is UTF-8 counts as text.',
    ),
  max_frame: field
    .size()
    .prefault('16MiB')
    .describe('Largest message that is accepted, after decompression; a larger one closes the connection.'),
};

const remoteObject = z.object(remoteShape);
export type RemoteSettings = z.output<typeof remoteObject>;

function hasReadableUser(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}

function isUnique(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
