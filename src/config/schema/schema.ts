import { z } from 'zod';
import { TRACE_FORMATS } from '../../core/trace-format.ts';
import * as field from '../../sdk/fields.ts';
import type { Registry } from '../../sdk/registry.ts';
import { authSchema } from './auth-schema.ts';
import { connectSchema } from './connect-schema.ts';
import { endpointSchema } from './endpoint-schema.ts';
import { listenerLimits, proxyProtocol, trustedProxies } from './limits-schema.ts';
import { logSchema } from './log-schema.ts';
import { entryName } from './name-schema.ts';
import { pipelineSchema } from './pipeline-schema.ts';
import { templatesSchema } from './template-schema.ts';
import { serverTlsSchema } from './tls-schema.ts';

const tracing = z
  .strictObject({
    exporter: z.enum(['jaeger', 'otlp', 'console', 'none']).prefault('jaeger').describe('Where spans go.'),
    endpoint: field
      .url({ schemes: ['http', 'https'], example: 'http://localhost:14268/api/traces' })
      .prefault('')
      .describe(
        'URL of the collector, such as http://localhost:14268/api/traces for jaeger or http://localhost:4318/v1/traces for otlp. Empty: tracing is off.',
      ),
    sample: field.number({ min: 0, max: 1 }).prefault(0.01).describe('Share of messages that are traced.'),
    max_per_second: field
      .integer()
      .prefault(100)
      .describe(
        'Most messages a second that are traced because their client asks for it, and most that are traced because they were picked.',
      ),
    batches: field
      .boolean()
      .prefault(false)
      .describe('Create a trace for each batch that has a traced message, with links to its messages.'),
    handshakes: field
      .boolean()
      .prefault(false)
      .describe(
        'Trace handshakes, too: the same share of them as of messages. One with a sampled traceparent of its own is traced in any case.',
      ),
    propagators: z
      .array(z.enum(TRACE_FORMATS))
      .min(1, 'expected at least one of w3c, b3 and jaeger')
      .superRefine(listedOnce)
      .prefault(['w3c'])
      .describe(
        'Headers by which traces come in and go out: w3c (traceparent), b3 (Zipkin: b3 or X-B3-*) and jaeger (uber-trace-id). Of several that come with a message the first in this list counts; all of them are written.',
      ),
    baggage: field
      .boolean()
      .prefault(false)
      .describe(
        "Carry baggage (the header baggage; uberctx-* with jaeger) from a client's handshake and envelopes to the headers of the records that its messages become, at most 64 members and 8,192 bytes.",
      ),
    service_name: z.string().min(1, 'expected a name').prefault('tidegate').describe('Name of this gateway in traces.'),
  })
  .describe('Traces of messages.');

function listedOnce(names: readonly string[], context: z.core.$RefinementCtx): void {
  for (const [at, name] of names.entries())
    if (names.indexOf(name) < at) context.addIssue({ code: 'custom', path: [at], message: `${name} is listed twice` });
}

const address = {
  host: field.bindAddress().optional().describe('Address to bind; all where it is left out.'),
};

const admin = z
  .strictObject({
    enabled: field.boolean().prefault(true).describe('False: the port is not opened.'),
    port: field.port().prefault(8_080).describe('Port of /health, /ready and /metrics; 0 takes a free one.'),
    ...address,
    auth: z
      .string()
      .optional()
      .describe(
        'Entry of auth by which operators say who they are, for everything but /health, /ready and /metrics. Left out: the rest answers to this machine alone.',
      ),
    allowed_hosts: field
      .hostPatterns()
      .prefault([])
      .describe(
        'Host names by which the port may be addressed, such as those of a proxy or a Kubernetes service that Prometheus uses: gateway.example.org, *.example.org, tidegate.default.svc, or "*" for any. Pages of other origins cannot read the answers: no CORS headers are sent. Loopback, addresses, names without a dot and the host that is bound are always allowed.',
      ),
    tls: serverTlsSchema.optional(),
  })
  .describe('Health and metrics.');

const listener = z
  .strictObject({
    port: field.port().describe('Port to bind; 0 takes a free one.'),
    ...address,
    tls: serverTlsSchema.optional(),
    trusted_proxies: trustedProxies(),
    proxy_protocol: proxyProtocol(),
    limits: listenerLimits(),
  })
  .describe('A port that serves WebSockets.');

const memory = z
  .strictObject({
    limit: field
      .size()
      .prefault('512MiB')
      .describe(
        'Bytes for unfinished messages and send queues of all clients. At the limit sockets with unfinished messages are not read; where that is not enough, the clients that hold most are closed.',
      ),
    groups: field
      .size()
      .prefault('64MiB')
      .describe(
        'Bytes of records that clients in groups have not confirmed, of all groups together: the closer it is, the less of each partition is read ahead.',
      ),
  })
  .describe('Ceilings of the whole gateway.');

const shutdown = z
  .strictObject({
    timeout: field
      .duration()
      .prefault('25s')
      .describe('Time to deliver messages in flight; the remaining ones are then reported and the exit code is 1.'),
    jitter: field
      .duration()
      .prefault('5s')
      .describe('Clients are closed at different moments within this time, so that they do not all reconnect at once.'),
  })
  .describe('How the gateway stops.');

/** The whole configuration, with the components of a registry. */
export function gatewaySchema(registry: Registry) {
  return z.strictObject({
    include: field
      .list()
      .prefault([])
      .describe(
        'Files with more of the same sections, relative to this one; `*` and `?` in a name mean any characters. A name, or a setting, is in one file only.',
      ),
    templates: templatesSchema,
    plugins: field
      .list()
      .prefault([])
      .describe('Modules with more components: files relative to this one, or packages.'),
    log: logSchema.prefault({}),
    tracing: tracing.prefault({}),
    admin: admin.prefault({}),
    auth: z
      .record(entryName(), authSchema)
      .prefault({})
      .describe('Ways in which clients and operators say who they are, by name.'),
    listeners: z.record(entryName(), listener).prefault({}).describe('Ports by name.'),
    endpoints: z.record(entryName(), endpointSchema(registry)).prefault({}).describe('WebSocket paths by name.'),
    pipelines: z.record(entryName(), pipelineSchema(registry)).prefault({}).describe('Flows of messages by name.'),
    connect: connectSchema.optional(),
    memory: memory.prefault({}),
    shutdown: shutdown.prefault({}),
    // Read by tests/load-tests.ts. It is known here so that `test:` gets a suggestion.
    tests: z.unknown().optional(),
  });
}

/** As the schema gives it: the driver may still be open. What is included, and templates, are in place. */
export type ParsedConfig = Omit<z.output<ReturnType<typeof gatewaySchema>>, 'include' | 'templates'>;

/** A configuration that can be run. Durations are milliseconds, sizes bytes. */
export type GatewayConfig = Omit<ParsedConfig, 'log'> & {
  readonly log: Omit<ParsedConfig['log'], 'driver'> & { readonly driver: Driver };
};
export type Driver = Exclude<ParsedConfig['log']['driver'], 'auto'>;
export type EndpointConfig = GatewayConfig['endpoints'][string];
export type PipelineConfig = GatewayConfig['pipelines'][string];
