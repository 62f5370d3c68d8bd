import { z } from 'zod';
import { SECRET_KEY_RULE, secretKeyOf } from '../../core/secret-key.ts';
import * as field from '../../sdk/fields.ts';
import { originMistake } from '../../transports/websocket/origins.ts';
import { connectTlsSchema } from './tls-schema.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const NO_PATTERN = 'a * is for every page, alone; write each origin, such as https://ui.example.org';

/** `connect`: connectors, and the Kafka Connect REST API that manages them. */
export const connectSchema = z
  .strictObject({
    port: field.port().prefault(8_083).describe('Port of the Kafka Connect REST API; 0 takes a free one.'),
    host: field
      .bindAddress()
      .prefault('127.0.0.1')
      .describe(
        'Address to bind. Without auth everyone who reaches the port may change connectors: then bind other addresses only in a network that you trust.',
      ),
    auth: z
      .string()
      .optional()
      .describe(
        'Entry of auth by which callers say who they are. All gateways of a cluster need the same. Left out: no caller is asked.',
      ),
    allowed_hosts: field
      .hostPatterns()
      .prefault([])
      .describe(
        'Host names by which the API may be addressed, such as those of a proxy: connect.example.org, *.example.org, tidegate.default.svc, or "*" for any name. Requests that a browser sends for a page on such a host are not refused, but the page cannot read the answers: no CORS headers are sent. Loopback, addresses, names without a dot, the host that is bound and that of advertised are always allowed.',
      ),
    access_control_allow_origin: field
      .list()
      .superRefine((origins, context) => {
        for (const [index, text] of origins.entries()) {
          const isNoOrigin = text === 'self' || (text !== '*' && text.includes('*'));
          const message = isNoOrigin ? NO_PATTERN : originMistake(text);
          if (message !== undefined) context.addIssue({ code: 'custom', path: [index], message, input: text });
        }
      })
      .prefault([])
      .describe(
        'Origins of pages that may call the API and read its answers (CORS), such as https://ui.example.org, or "*" for every page. Such a page can change connectors if a browser that reaches the API opens it.',
      ),
    access_control_allow_methods: field
      .list()
      .pipe(z.array(z.enum(METHODS, `expected some of ${METHODS.join(', ')}`)).min(1))
      .prefault(['GET', 'POST', 'HEAD'])
      .describe('Methods that those pages may use.'),
    advertised: field
      .url({ schemes: ['http', 'https'], example: 'http://gateway-1:8083' })
      .refine((text) => !/[?#@]/.test(text), 'expected scheme, host and port, such as http://gateway-1:8083')
      .prefault('')
      .describe('URL at which the other gateways reach this API; made of tls, host and port if it is empty.'),
    group: z
      .string()
      .min(1)
      .prefault('tidegate-connect')
      .describe('Consumer group that assigns the connectors to the gateways of a cluster.'),
    topics: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, ".", "_" and "-"')
      .prefault('_tidegate.connect')
      .describe('Prefix of the topics that hold connectors, their status and their offsets.'),
    secret_key: z
      .preprocess(
        // A list in one text has no empty parts: of a text with nothing else no key would be left, and secrets in the clear.
        (value) => (typeof value === 'string' && /^[\s,]+$/.test(value) ? [value] : value),
        field.list().pipe(z.array(z.string().refine((text) => secretKeyOf(text) !== undefined, SECRET_KEY_RULE))),
      )
      .meta(field.SECRET)
      .prefault([])
      .describe(
        'Keys that encrypt the secrets of connectors, and the key by which gateways know each other, in the topic of configs (AES-256-GCM): 32 bytes each as base64 or hex. The first one encrypts, all of them decrypt. All gateways of a cluster need the same. Without a key, secrets are stored unencrypted.',
      ),
    session_timeout: field
      .duration()
      .prefault('10s')
      .describe('If a gateway is silent for this time, its connectors go to the others.'),
    tls: connectTlsSchema.optional(),
    defaults: field
      .byName(z.string())
      .prefault({})
      .describe('Settings of connectors that do not have them, such as value.converter.'),
  })
  .describe('Connectors, managed by the Kafka Connect REST API and shared by all gateways of a cluster.');

export type ConnectConfig = z.output<typeof connectSchema>;
