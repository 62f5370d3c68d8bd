import { z } from 'zod';
import { parseDuration } from '../../core/units.ts';
import * as field from '../../sdk/fields.ts';
import { isSubprotocol, NO_SUBPROTOCOL } from '../../sdk/handshake.ts';
import type { Registry } from '../../sdk/registry.ts';
import { originMistake } from '../../transports/websocket/origins.ts';
import { allow } from './allow-schema.ts';
import { channels } from './channels-schema.ts';
import { componentSchema } from './component-schema.ts';
import { endpointLimits } from './limits-schema.ts';
import { topicName } from './log-schema.ts';
import { s2Schema } from './s2.ts';
import { topicsSchema } from './topics-schema.ts';

/** RFC 9110 5.1. */
const HEADER_NAME = /^[!#$%&'*+.^`|~\w-]+$/;

/** `*` means every path that no other endpoint of the listener has. */
const PATH = /^\*$|^\/(?:[^\s/{}?#]+|\{[A-Za-z_]\w*\})?(?:\/(?:[^\s/{}?#]+|\{[A-Za-z_]\w*\}))*$/;

const slowConsumer = z.strictObject({
  queue: field.size().prefault('1MiB').describe('Bytes that may wait for one client.'),
  when_full: z
    .enum(['block', 'drop_oldest', 'drop_newest', 'disconnect', 'latest'])
    .prefault('disconnect')
    .describe(
      'What happens to a client that reads more slowly than records come. latest: of each key only the newest record waits, and what does not fit even so is dropped, the oldest first. Answers are never dropped.',
    ),
  key: field
    .pathExpression()
    .optional()
    .describe(
      'With latest: what a record is the newest value of, such as "${! json.symbol }". A record without a value waits until it is sent or dropped. Left out: the key of the record.',
    ),
});

const compression = z.strictObject({
  threshold: field.size().prefault('1KiB').describe('Messages of at least this size are compressed.'),
  level: field
    .integer({ min: 1, max: 9 })
    .prefault(1)
    .describe('From 1, the fastest, to 9. Level 6 makes messages about 10 % smaller for two to three times the CPU.'),
});

const ping = z.strictObject({
  interval: field.duration().prefault('20s').describe('Time between two pings to a client.'),
  timeout: field
    .duration()
    .prefault('20s')
    .describe('A client that does not answer a ping for this time is disconnected.'),
});

const inFlight = z.strictObject({
  messages: field
    .integer({ min: 1 })
    .prefault(4_096)
    .describe('Messages of one client that may wait for their answers.'),
  bytes: field.size().prefault('1MiB').describe('Bytes of one client that may wait for their answers.'),
});

const presence = z.strictObject({
  topic: topicName().describe(
    'Topic of the room. Gateways and endpoints that share it number their clients in one sequence. The members are kept in _tidegate.<topic>.presence, .ids and .control.',
  ),
  lease: field
    .duration()
    .refine((milliseconds) => milliseconds >= 1_000, 'expected at least 1s')
    .prefault('10s')
    .describe('If a gateway is silent for this time, its clients are announced as gone.'),
  name: field
    .expression()
    .optional()
    .describe(
      'Name of a client among the members, such as "${! auth.sub }"; a client without one is refused. The choice of the codec where it is left out: a number for rooms, {username} of the path for chat.',
    ),
});

const tokenExpiry = z.strictObject({
  renew: field
    .boolean()
    .prefault(true)
    .describe('Whether clients may send a new token on the open connection, where the codec has a frame for it.'),
  grace: field
    .duration()
    .prefault('30s')
    .describe('Time that a client has to send a new token, once its token has expired and it was asked for one.'),
});

/** An age such as 10m, or a moment. */
const since = z
  .string('expected a duration such as 10m or a moment such as 2026-01-31T12:00:00Z')
  .transform((text, context) => {
    const age = parseDuration(text);
    if (age !== undefined) return { age };
    const moment = z.iso.datetime({ offset: true }).safeParse(text).success ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(moment)) return { moment };
    context.issues.push({
      code: 'custom',
      message: `"${text}" is neither a duration such as 10m nor a moment such as 2026-01-31T12:00:00Z`,
      input: text,
    });
    return z.NEVER;
  });

const replay = z
  .strictObject({
    last: field.integer({ max: 100_000 }).optional().describe('This number of the newest records; 0 for none.'),
    since: since.optional().describe('Records of this last time, such as 10m, or from a moment on.'),
    offsets: field
      .byName(z.record(z.string().regex(/^\d+$/, 'expected the number of a partition'), field.integer()))
      .optional()
      .describe('Records from these offsets on, by topic and partition.'),
    bytes: field
      .size()
      .prefault('256KiB')
      .describe('Most bytes that are kept for new clients; the oldest records are dropped first.'),
  })
  .refine(
    ({ last, since, offsets }) => [last, since, offsets].filter((given) => given !== undefined).length === 1,
    'expected one of last, since and offsets',
  );

/** One path or several. */
const onePath = z
  .string()
  .regex(
    PATH,
    'expected a path that begins with / and does not end with it, such as /ws or /chat/{username}, or * for all others',
  );
const paths = z
  .union([onePath, z.array(onePath).min(1)], 'expected a path such as /ws or /chat/{username}, or a list of them')
  .transform((given) => (typeof given === 'string' ? [given] : given));

const protocols = field.list().pipe(z.array(field.plainText().refine(isSubprotocol, NO_SUBPROTOCOL)));

export function endpointSchema(registry: Registry) {
  return z
    .strictObject({
      listener: z.string().describe('Name of the listener that serves it.'),
      path: paths.describe('Path of the URL, or several; {name} is a parameter, as in /chat/{username}.'),
      codec: componentSchema('codec', registry.all('codec')).describe('Wire protocol of the clients.'),
      direction: z
        .enum(['both', 'out'])
        .prefault('both')
        .describe(
          'out: clients only receive, and no pipeline reads the endpoint. A message that a client sends is answered with TG_NOT_ALLOWED, or closes it with 1003 where the codec has no answers.',
        ),
      origins: field
        .list()
        .superRefine((origins, context) => {
          for (const [index, text] of origins.entries()) {
            const message = originMistake(text);
            if (message !== undefined) context.addIssue({ code: 'custom', path: [index], message, input: text });
          }
        })
        .optional()
        .describe(
          'Pages that may connect, by their origin such as https://example.org; https://*.example.org for all below example.org, self for those of the host that the socket is opened to, "*" for all. Left out: all, or self where auth takes what browsers send by themselves (cookies, passwords, certificates). Clients without an Origin header, which are not browsers, always may.',
        ),
      protocols: protocols
        .optional()
        .describe(
          'Subprotocols (Sec-WebSocket-Protocol) that are spoken; a client gets the first of its own that is listed, else none. Those of the codec where it is left out; the codecs of Tidegate have none.',
        ),
      max_connections: field
        .integer({ min: 1 })
        .prefault(10_000)
        .describe('Clients at a time; more are refused with 503.'),
      max_payload: field
        .size()
        .prefault('1MiB')
        .describe('Largest message of a client; a larger one closes it with 1009.'),
      compression: compression
        .optional()
        .describe(
          'Compression of messages for clients that offer it (permessage-deflate without context takeover), and of what they send. Nothing is compressed where it is left out.',
        ),
      sse: z
        .boolean()
        .prefault(false)
        .describe(
          'Whether a GET that accepts text/event-stream gets the records as server-sent events. Such clients only receive. Not for codecs whose clients meet in rooms or work with topics.',
        ),
      limits: endpointLimits(),
      meta_headers: field
        .list()
        .pipe(z.array(z.string().regex(HEADER_NAME, 'expected the name of a header, such as user-agent')))
        .prefault([])
        .describe(
          'Headers of the handshake that expressions see as meta.headers, in lower case. No others are there; list Authorization or Cookie only where messages may hold them.',
        ),
      in_flight: inFlight.prefault({}).describe('How much of one client may be in flight to the log.'),
      slow_consumer: slowConsumer.prefault({}).describe('What happens to a client that does not keep up.'),
      ping: ping.prefault({}).describe('How dead clients are detected.'),
      frame_timeout: field
        .duration()
        .prefault('30s')
        .describe('A client that takes longer for one frame is disconnected.'),
      stall_timeout: field
        .duration()
        .prefault('30s')
        .describe('A client that reads nothing of its queue for this time is closed with 1008.'),
      presence: presence.optional().describe('The room that its clients are in, for codecs such as rooms and chat.'),
      auth: z
        .string()
        .optional()
        .describe(
          'Entry of the section auth that checks who the clients are. Everyone may connect where it is left out.',
        ),
      allow: allow
        .optional()
        .describe(
          'Which clients may connect, and what they may do: to other clients, and with topics and groups. All may connect and do nothing of these where it is left out.',
        ),
      channels: channels
        .optional()
        .describe(
          'Channels: records that a sink sends to a channel go to the connections that are in it, and to no other.',
        ),
      token_expiry: tokenExpiry
        .optional()
        .describe('What happens on an open connection when the token of its client expires; it ends with 4401.'),
      topics: topicsSchema.prefault({}).describe('What the clients of codecs such as topics may do by themselves.'),
      s2: s2Schema.optional(),
      on_filtered: z
        .enum(['ack', 'error'])
        .prefault('ack')
        .describe(
          'The answer to a message that a processor ended on purpose. ack: an ACK with the outcome "filtered". error: an ERROR with TG_MESSAGE_FILTERED.',
        ),
      rejected: z
        .enum(['answer', 'dead_letter'])
        .prefault('answer')
        .describe(
          'What happens to a frame that the codec refuses. answer: its client receives an error. dead_letter: the frame also goes to on_error.dead_letter of the pipeline that reads this endpoint.',
        ),
      replay: replay.optional().describe('Earlier records that a client receives when it connects, before live ones.'),
      web_client: z
        .string()
        .regex(/^\/(?:[^\s?#{}]*\/)?$/, 'expected a path that begins and ends with /, such as /chat/')
        .optional()
        .describe('Where a browser gets a page that speaks this codec.'),
    })
    .describe('A WebSocket path with its protocol and limits.');
}
