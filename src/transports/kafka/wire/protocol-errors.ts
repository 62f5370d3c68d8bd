import errors from 'kafkajs/src/protocol/error.js';
import { asTidegateError, type ErrorCode, type TidegateError } from '../../../core/errors.ts';

/** Kafka's error codes that are acted on. https://kafka.apache.org/protocol#protocol_error_codes */
export const KAFKA = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_CONFIG: 40,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

/** The code that a broker answered with; undefined when no answer came (network, timeout, authentication). */
export function kafkaCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** Kafka's name and explanation of a code. */
export function describeCode(code: number): string {
  const { type, message } = errors.createErrorFromCode(code);
  return `${message} (${type})`;
}

/** What a broker answered as an error, with its own words where it had some. */
export function brokerError(code: number, message?: string | null): Error {
  return Object.assign(new Error(message || describeCode(code)), { code });
}

/** Whether a broker refuses a topic for good: it may not be read, or cannot exist. */
export function isRefused(code: number): boolean {
  return code === KAFKA.TOPIC_AUTHORIZATION_FAILED || code === KAFKA.INVALID_TOPIC;
}

const BY_CODE: Readonly<Record<number, ErrorCode>> = {
  [KAFKA.UNKNOWN_TOPIC_OR_PARTITION]: 'TG_TOPIC_MISSING',
  [KAFKA.UNKNOWN_MEMBER_ID]: 'TG_GROUP_FAILED',
  [KAFKA.NON_EMPTY_GROUP]: 'TG_GROUP_FAILED',
  [KAFKA.INVALID_TOPIC]: 'TG_TOPIC_INVALID',
  [KAFKA.INVALID_PARTITIONS]: 'TG_TOPIC_INVALID',
  [KAFKA.INVALID_REPLICATION_FACTOR]: 'TG_TOO_FEW_BROKERS',
  [KAFKA.INVALID_CONFIG]: 'TG_TOPIC_INVALID',
  [KAFKA.POLICY_VIOLATION]: 'TG_TOPIC_INVALID',
  [KAFKA.TOPIC_AUTHORIZATION_FAILED]: 'TG_NOT_AUTHORIZED',
  [KAFKA.GROUP_AUTHORIZATION_FAILED]: 'TG_NOT_AUTHORIZED',
  [KAFKA.CLUSTER_AUTHORIZATION_FAILED]: 'TG_NOT_AUTHORIZED',
  [KAFKA.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: 'TG_NOT_AUTHORIZED',
};

/** An error of a broker or of the way to it, as it leaves this driver. One without an answer of a broker is TG_LOG_UNAVAILABLE. */
export function logError(error: unknown, context: string): TidegateError {
  const code = kafkaCode(error);
  return asTidegateError(error, (code === undefined ? undefined : BY_CODE[code]) ?? 'TG_LOG_UNAVAILABLE', context);
}
