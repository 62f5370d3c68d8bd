import { z } from 'zod';
import * as field from '../../sdk/fields.ts';

/** `connect`: connectors, and the Kafka Connect REST API that manages them. */
export const connectSchema = z
  .strictObject({
    port: field.port().prefault(8_083).describe('Port of the Kafka Connect REST API; 0 takes a free one.'),
    host: field
      .bindAddress()
      .prefault('127.0.0.1')
      .describe('Address to bind. The API asks nobody who he is: bind others only where nobody else reaches them.'),
    advertised: field
      .url({ schemes: ['http', 'https'], example: 'http://gateway-1:8083' })
      .refine((text) => !/[?#@]/.test(text), 'expected scheme, host and port, such as http://gateway-1:8083')
      .prefault('')
      .describe('URL by which the other gateways reach this API; made of host and port where it is empty.'),
    group: z
      .string()
      .min(1)
      .prefault('tidegate-connect')
      .describe('Consumer group that deals the connectors to the gateways of a cluster.'),
    topics: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, ".", "_" and "-"')
      .prefault('_tidegate.connect')
      .describe('What the names of the topics begin with that hold connectors, their status and their offsets.'),
    session_timeout: field
      .duration()
      .prefault('10s')
      .describe('A gateway that is silent for so long loses its connectors to the others.'),
    defaults: field
      .byName(z.string())
      .prefault({})
      .describe('Settings of connectors that do not have them, such as value.converter.'),
  })
  .describe('Connectors, managed by the Kafka Connect REST API and shared by all gateways of a cluster.');

export type ConnectConfig = z.output<typeof connectSchema>;
