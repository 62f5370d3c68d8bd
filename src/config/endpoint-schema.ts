import { z } from 'zod';
import * as field from '../sdk/fields.ts';
import type { Registry } from '../sdk/registry.ts';
import { componentSchema } from './component-schema.ts';

const PATH = /^\/(?:[^\s/{}?#]+|\{[A-Za-z_]\w*\})?(?:\/(?:[^\s/{}?#]+|\{[A-Za-z_]\w*\}))*$/;

const slowConsumer = z.strictObject({
  queue: field.size().prefault('1MiB').describe('Bytes that may wait for one client.'),
  when_full: z
    .enum(['block', 'drop_oldest', 'drop_newest', 'disconnect'])
    .prefault('disconnect')
    .describe('What happens to a client that reads more slowly than records come. Answers are never dropped.'),
});

const ping = z.strictObject({
  interval: field.duration().prefault('20s').describe('Time between two pings to a client.'),
  timeout: field.duration().prefault('20s').describe('A client that answers no ping for so long is cut.'),
});

const inFlight = z.strictObject({
  messages: field
    .integer({ min: 1 })
    .prefault(4_096)
    .describe('Messages of one client that may wait for their answers.'),
  bytes: field.size().prefault('1MiB').describe('Bytes of one client that may wait for their answers.'),
});

export function endpointSchema(registry: Registry) {
  return z
    .strictObject({
      listener: z.string().describe('Name of the listener that serves it.'),
      path: z
        .string()
        .regex(PATH, 'expected a path such as /ws or /chat/{username}')
        .describe('Path of the URL; {name} is a parameter, as in /chat/{username}.'),
      codec: componentSchema('codec', registry.all('codec')).describe('Wire protocol of the clients.'),
      origins: field
        .list()
        .prefault(['*'])
        .describe('Values of the Origin header that may connect, such as https://example.org; "*" allows all.'),
      max_connections: field
        .integer({ min: 1 })
        .prefault(10_000)
        .describe('Clients at a time; more are refused with 503.'),
      max_payload: field
        .size()
        .prefault('1MiB')
        .describe('Largest message of a client; a larger one closes it with 1009.'),
      in_flight: inFlight.prefault({}).describe('How much of one client may be on its way into the log.'),
      slow_consumer: slowConsumer.prefault({}).describe('What happens to a client that does not keep up.'),
      ping: ping.prefault({}).describe('How a dead client is noticed.'),
      frame_timeout: field.duration().prefault('30s').describe('A client that takes longer for one frame is cut.'),
      stall_timeout: field
        .duration()
        .prefault('30s')
        .describe('A client that takes nothing of what waits for it for so long is cut with 1008.'),
    })
    .describe('A WebSocket path with its protocol and limits.');
}
