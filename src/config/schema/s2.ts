import { z } from 'zod';
import * as field from '../../sdk/fields.ts';
import { brokerList, kafkaSchema } from '../../transports/kafka/connection/schema.ts';

/*
 * The options of the WebSocket connector to Kafka that `topics` takes over from (S2), by their own names. Most are
 * kafka-node's. docs/moving-over.md says what each means here.
 */

/** An option that changes nothing here. It is ignored without a warning where it asks for `same`, which happens anyway. */
export interface Ignored {
  readonly why: string;
  readonly same?: unknown;
}

const NO_ZOOKEEPER = 'there is no ZooKeeper here: the gateway connects to the brokers of kafkaHost';
const NO_MIGRATION = 'there are no offsets in ZooKeeper that could be migrated';
const JOINING = 'a group is joined again until it works, with pauses of its own between the attempts';

export const IGNORED = {
  kafka_config: {
    connectTimeout: { why: 'how long connecting may take is fixed, and it is tried again until it works' },
    requestTimeout: {
      why: 'how long Kafka may take is fixed, and a record whose answer got lost is sent again, unchanged, until Kafka has it',
    },
    autoConnect: { why: 'the gateway connects when it starts', same: true },
    no_zookeeper_client: { why: NO_ZOOKEEPER, same: true },
  },
  producer_config: {
    requireAcks: {
      why: 'it is always all (-1): with fewer, a broker that dies takes records with it that counted as written',
      same: -1,
    },
    ackTimeoutMs: {
      why: 'a record waits for its acknowledgement as long as it takes; a time limit would only hide whether Kafka has it',
    },
    partitionerType: {
      why: "records without a key go to the partitions in turn (2), those with one where Kafka's own clients put them",
      same: 2,
    },
  },
  consumer_config: {
    host: { why: NO_ZOOKEEPER },
    ssl: {
      why: 'kafka-node does not look at it where it connects to kafkaHost; sslOptions, or ssl under log, switch TLS on',
      same: false,
    },
    fetchMaxWaitMs: { why: 'all clients of a group share one consumer, whose fetches wait for 100 ms', same: 100 },
    maxNumSegments: { why: 'kafka-node has no use for it in consumer groups either' },
    fetchMinBytes: { why: 'a fetch is answered as soon as there is a record', same: 1 },
    fetchMaxBytes: {
      why: 'all clients of a group share one consumer, whose fetches take 1 MiB, and 256 KiB of a partition, so that none holds the others up',
    },
    maxTickMessages: {
      why: 'how many records come at a time follows from mq_limit, the credit of the client and the room in its queue',
    },
    outOfRangeOffset: {
      why: 'reading always goes on at the earliest record that is left, and the gap is logged and counted',
      same: 'earliest',
    },
    retries: { why: JOINING },
    retryFactor: { why: JOINING },
    retryMinTimeout: { why: JOINING },
    connectOnReady: { why: 'a group is joined with the first subscription to it', same: true },
    migrateHLC: { why: NO_MIGRATION, same: false },
    migrateRolling: { why: NO_MIGRATION },
    protocol: { why: 'partitions are always assigned by the sticky assignor, which moves as few as it can' },
  },
  websocket_config: {},
} as const satisfies Readonly<Record<string, Readonly<Record<string, Ignored>>>>;

/** Options that anything may be given for. */
function accepting<const T extends Readonly<Record<string, Ignored>>>(options: T) {
  const accepted = Object.entries(options).map(([name, { why }]) => {
    return [name, z.unknown().optional().describe(`Without effect: ${why}.`)] as const;
  });
  return Object.fromEntries(accepted) as { readonly [K in keyof T]: z.ZodOptional<z.ZodUnknown> };
}

/** Both of kafka-node's clients have them; the gateway has one link to Kafka for all. */
const link = {
  kafkaHost: brokerList().optional().describe('Brokers as host:port, with commas between them: brokers under log.'),
  sasl: kafkaSchema.shape.sasl.describe('Mechanism, user name and password: sasl under log.'),
  sslOptions: z
    .union([field.boolean(), z.looseObject({ rejectUnauthorized: field.boolean().optional() })])
    .optional()
    .describe('TLS: ssl under log, where certificates are named as files.'),
};

const limit = () => field.integer({ max: 1_000_000 }).nullish();
const interval = () => field.integer({ max: 3_600_000 }).nullish();

export const s2Schema = z
  .strictObject({
    kafka_config: z
      .looseObject({
        ...link,
        clientId: z.string().optional().describe('Name of the gateway in broker logs and quotas: client_id under log.'),
        ...accepting(IGNORED.kafka_config),
      })
      .prefault({})
      .describe('The link to Kafka.'),
    producer_config: z
      .looseObject({
        mq_limit: limit().describe('Records of a client that are collected at most before they go to Kafka.'),
        mq_interval: interval().describe('Milliseconds that they are collected for; null or 0: at once.'),
        ...accepting(IGNORED.producer_config),
      })
      .prefault({})
      .describe('From the clients to Kafka.'),
    consumer_config: z
      .looseObject({
        ...link,
        groupId: z.string().min(1).optional().describe('Group of a subscription that names none.'),
        autoCommit: field
          .boolean()
          .optional()
          .describe(
            'False: a record counts as delivered to a subscription that does not say once its client commits it.',
          ),
        autoCommitIntervalMs: field.integer({ min: 1 }).optional().describe('Milliseconds between commits.'),
        paused: field
          .boolean()
          .optional()
          .describe('True: a subscription delivers nothing until its client sends resume.'),
        fromOffset: z
          .enum(['earliest', 'latest', 'none'])
          .optional()
          .describe('Where a subscription starts that does not say, in partitions that its group never committed.'),
        sessionTimeout: field
          .integer({ min: 1 })
          .optional()
          .describe('Milliseconds of silence after which a gateway loses its partitions to the others.'),
        mq_limit: limit().describe('Records that are collected at most before they go to a client in one frame.'),
        mq_interval: interval().describe('Milliseconds that they are collected for; null or 0: at once.'),
        ...accepting(IGNORED.consumer_config),
      })
      .prefault({})
      .describe('From Kafka to the clients.'),
    websocket_config: z
      .looseObject({
        port: field.port().optional().describe('Port of the listener.'),
        host: field.bindAddress().optional().describe('Address that the listener binds; all where it is left out.'),
      })
      .prefault({})
      .describe('The port that clients connect to.'),
  })
  .describe('Options of the WebSocket connector to Kafka (S2), by their own names, for a migration from it.');

/** The sections as a program writes them. */
export type S2Options = z.input<typeof s2Schema>;
/** The sections once they are parsed. */
export type S2Sections = z.output<typeof s2Schema>;
