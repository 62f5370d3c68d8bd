import { z } from 'zod';
import * as field from '../sdk/fields.ts';
import type { Registry } from '../sdk/registry.ts';
import { connectSchema } from './connect/schema.ts';
import { endpointSchema } from './endpoint-schema.ts';
import { logSchema } from './log-schema.ts';
import { pipelineSchema } from './pipeline-schema.ts';

const name = () =>
  z.string().regex(/^[A-Za-z][\w.-]*$/, 'a name begins with a letter and has letters, digits, "_", "-" and "." in it');

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
      .describe('Most messages a second that are traced because their client asks for it.'),
    batches: field
      .boolean()
      .prefault(false)
      .describe('Give each batch that holds a traced message a trace of its own, with links to its messages.'),
    handshakes: field
      .boolean()
      .prefault(false)
      .describe(
        'Trace handshakes, too: the same share of them as of messages. One with a sampled traceparent of its own is traced in any case.',
      ),
    service_name: z.string().min(1, 'expected a name').prefault('tidegate').describe('Name of this gateway in traces.'),
  })
  .describe('Traces of messages.');

const address = {
  host: field.bindAddress().optional().describe('Address to bind; all where it is left out.'),
};

const admin = z
  .strictObject({
    enabled: field.boolean().prefault(true).describe('False: there is no such port.'),
    port: field.port().prefault(8_080).describe('Port of /health, /ready and /metrics; 0 takes a free one.'),
    ...address,
  })
  .describe('Health and metrics.');

const listener = z
  .strictObject({ port: field.port().describe('Port to bind; 0 takes a free one.'), ...address })
  .describe('A port that serves WebSockets.');

const memory = z
  .strictObject({
    limit: field
      .size()
      .prefault('512MiB')
      .describe('Bytes for partial frames and send queues; above it the largest holders are cut.'),
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
      .describe('Time to deliver what is on its way; what is left then is reported and the exit code is 1.'),
    jitter: field
      .duration()
      .prefault('5s')
      .describe('Clients are closed at different moments within this time, so that they do not all come back at once.'),
  })
  .describe('How the gateway stops.');

/** The whole configuration, with the components of a registry. */
export function gatewaySchema(registry: Registry) {
  return z.strictObject({
    plugins: field
      .list()
      .prefault([])
      .describe('Modules with more components: files relative to this one, or packages.'),
    log: logSchema.prefault({}),
    tracing: tracing.prefault({}),
    admin: admin.prefault({}),
    listeners: z.record(name(), listener).prefault({}).describe('Ports by name.'),
    endpoints: z.record(name(), endpointSchema(registry)).prefault({}).describe('WebSocket paths by name.'),
    pipelines: z.record(name(), pipelineSchema(registry)).prefault({}).describe('Flows of messages by name.'),
    connect: connectSchema.optional(),
    memory: memory.prefault({}),
    shutdown: shutdown.prefault({}),
  });
}

/** As the schema gives it: the driver may still be open. */
export type ParsedConfig = z.output<ReturnType<typeof gatewaySchema>>;

/** A configuration that can be run. Durations are milliseconds, sizes bytes. */
export type GatewayConfig = Omit<ParsedConfig, 'log'> & {
  readonly log: Omit<ParsedConfig['log'], 'driver'> & { readonly driver: Driver };
};
export type Driver = Exclude<ParsedConfig['log']['driver'], 'auto'>;
export type EndpointConfig = GatewayConfig['endpoints'][string];
export type PipelineConfig = GatewayConfig['pipelines'][string];
