import { z } from 'zod';
import * as field from '../../../sdk/fields.ts';
import { COMPRESSIONS } from '../compression/compression.ts';
import { saslSchema } from '../sasl/schema.ts';
import { readBroker } from './broker-address.ts';

/** Bootstrap brokers, each of them checked. */
export const brokerList = () =>
  field.list().superRefine((brokers, context) => {
    for (const [index, text] of brokers.entries()) {
      const broker = readBroker(text);
      if (typeof broker === 'string') context.addIssue({ code: 'custom', path: [index], message: broker, input: text });
    }
  });

const tls = z.strictObject({
  ca: z
    .string()
    .meta(field.FILE)
    .optional()
    .describe('Path of a PEM file with the certificates to trust; the system ones where left out.'),
  cert: z
    .string()
    .meta(field.FILE)
    .optional()
    .describe('Path of a PEM file with the certificate of this gateway, if brokers ask for one.'),
  key: z.string().meta(field.FILE).optional().describe('Path of a PEM file with the key of `cert`.'),
  servername: field
    .host()
    .optional()
    .describe('Name to check the broker certificate against, where it is not the host.'),
  reject_unauthorized: field.boolean().default(true).describe('False accepts any certificate: for tests only.'),
});

/** The part of the `log` section that concerns Kafka. */
export const kafkaSchema = z.object({
  brokers: brokerList()
    .default([])
    .describe(
      'Bootstrap brokers as host:port, as a list or one text with commas; PLAINTEXT://, SSL://, SASL_PLAINTEXT:// or SASL_SSL:// may precede them if it fits ssl and sasl.',
    ),
  client_id: z.string().default('tidegate').describe('Name of this gateway in broker logs and quotas.'),
  ssl: z.union([field.boolean(), tls]).default(false).describe('TLS to the brokers: true, false, or certificates.'),
  sasl: saslSchema.optional().describe('Authentication; none where left out.'),
  compression: z
    .enum(COMPRESSIONS)
    .default('none')
    .describe('How written batches are compressed. Batches with any compression are read, zstd included.'),
});

export type KafkaSettings = z.output<typeof kafkaSchema>;
