import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { embeddedSchema } from '../../transports/embedded/schema.ts';
import { kafkaSchema } from '../../transports/kafka/connection/schema.ts';

/** Kafka's own rule (org.apache.kafka.common.internals.Topic): at most 249 letters, digits, `.`, `_` and `-`. */
const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
const TOPIC_NAME_RULE = 'a topic name is at most 249 letters, digits, ".", "_" and "-", and neither "." nor ".."';

export const topicName = () => z.string().regex(TOPIC_NAME, TOPIC_NAME_RULE);

/** Why there can be no topic of that name, or undefined. */
export function topicNameMistake(name: string): string | undefined {
  return TOPIC_NAME.test(name) ? undefined : TOPIC_NAME_RULE;
}

/** Kafka's settings are all text; a number or true in the YAML is meant as such. */
const setting = z.preprocess(
  (value: string | number | boolean) =>
    typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
  z.string().meta({ type: ['string', 'number', 'boolean'] }),
);

const topicSchema = z.strictObject({
  partitions: field
    .integer({ min: 1, max: 10_000 })
    .optional()
    .describe("Partitions; the log's own default where it is left out."),
  replication: field
    .integer({ min: 1, max: 100 })
    .optional()
    .describe("Copies; the log's own default where it is left out."),
  config: field
    .byName(setting)
    .optional()
    .describe("Kafka's topic settings by their own names, such as retention.ms or cleanup.policy."),
  create: field.boolean().prefault(true).describe('Create the topic at start if it does not exist.'),
});

export const logSchema = z
  .strictObject({
    driver: z
      .enum(['auto', 'kafkajs', 'embedded'])
      .prefault('auto')
      .describe(
        'auto: Kafka if brokers are given, else the embedded log. If a variable such as KAFKA_BROKER shows that Kafka was meant, the gateway does not start.',
      ),
    ...kafkaSchema.shape,
    embedded: embeddedSchema.prefault({}).describe('The log inside the gateway, for a single machine and for trials.'),
    topics: z
      .record(topicName(), topicSchema)
      .prefault({})
      .describe('Topics by name; missing ones are created at start.'),
  })
  .describe('Where records are kept: Kafka, or the log inside the gateway.');
