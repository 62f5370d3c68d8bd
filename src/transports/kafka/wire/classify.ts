import { TidegateError } from '../../../core/errors.ts';
import { describeCode, KAFKA } from './protocol-errors.ts';

/**
 * What a broker's answer means for a batch of records:
 * - `stored`: it is in the log, now or since an earlier try
 * - `refused`: this batch will never be taken, in whole; others may
 * - `fenced`: the broker no longer knows our numbering; only a fresh producer goes on, and the batch may be there already
 * - `missing`: the broker knows no such topic or partition, perhaps not yet
 * - `unknown`: not stored, or stored and the answer was lost; the very same batch again
 */
export type Outcome = 'stored' | 'refused' | 'fenced' | 'missing' | 'unknown';

const OUTCOMES: Readonly<Record<number, Outcome>> = {
  [KAFKA.NONE]: 'stored',
  [KAFKA.DUPLICATE_SEQUENCE_NUMBER]: 'stored',
  [KAFKA.MESSAGE_TOO_LARGE]: 'refused',
  [KAFKA.RECORD_LIST_TOO_LARGE]: 'refused',
  [KAFKA.INVALID_RECORD]: 'refused',
  [KAFKA.INVALID_TIMESTAMP]: 'refused',
  [KAFKA.INVALID_TOPIC]: 'refused',
  [KAFKA.TOPIC_AUTHORIZATION_FAILED]: 'refused',
  [KAFKA.CLUSTER_AUTHORIZATION_FAILED]: 'refused',
  [KAFKA.POLICY_VIOLATION]: 'refused',
  [KAFKA.UNSUPPORTED_FOR_MESSAGE_FORMAT]: 'refused',
  [KAFKA.OUT_OF_ORDER_SEQUENCE_NUMBER]: 'fenced',
  [KAFKA.UNKNOWN_PRODUCER_ID]: 'fenced',
  [KAFKA.INVALID_PRODUCER_EPOCH]: 'fenced',
  [KAFKA.INVALID_PRODUCER_ID_MAPPING]: 'fenced',
  [KAFKA.PRODUCER_FENCED]: 'fenced',
  [KAFKA.UNKNOWN_TOPIC_OR_PARTITION]: 'missing',
};

export function outcomeOf(code: number): Outcome {
  return OUTCOMES[code] ?? 'unknown';
}

/** Whether a refusal may be owed to single records, so that looking for them is worth the requests. */
export function isAboutRecords(code: number): boolean {
  return (
    code === KAFKA.MESSAGE_TOO_LARGE ||
    code === KAFKA.RECORD_LIST_TOO_LARGE ||
    code === KAFKA.INVALID_RECORD ||
    code === KAFKA.INVALID_TIMESTAMP
  );
}

/** Whether the broker only answered that it is the wrong one to ask, or not yet the right one. */
export function isAboutLeader(code: number | undefined): boolean {
  return (
    code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION ||
    code === KAFKA.LEADER_NOT_AVAILABLE ||
    code === KAFKA.NOT_LEADER_OR_FOLLOWER
  );
}

/** Milliseconds around the present, by our clock, in which our clock is to blame for a time that brokers refuse. */
const PRESENT = 600_000;

/** What became of a record that was refused for its time: a client or another server gave it that time, or our clock did, which may be set right. */
export function timeRefusal(topic: string, timestamp: number, now: number): TidegateError {
  const refusal = refusalOf(KAFKA.INVALID_TIMESTAMP, topic);
  if (Math.abs(now - timestamp) > PRESENT) return refusal;
  return new TidegateError(
    'TG_CLOCK_WRONG',
    `${refusal.message}. Brokers take times that are message.timestamp.after.max.ms ahead of their clock at most ` +
      `(1 h by default); the clock of this gateway says ${new Date(now).toISOString()}.`,
  );
}

export function refusalOf(code: number, topic: string): TidegateError {
  const reason = `topic ${topic}: ${describeCode(code)}`;
  switch (code) {
    case KAFKA.MESSAGE_TOO_LARGE:
    case KAFKA.RECORD_LIST_TOO_LARGE:
      return new TidegateError('TG_RECORD_TOO_LARGE', reason);
    case KAFKA.TOPIC_AUTHORIZATION_FAILED:
    case KAFKA.CLUSTER_AUTHORIZATION_FAILED:
      return new TidegateError('TG_NOT_AUTHORIZED', reason);
    case KAFKA.INVALID_TOPIC:
      return new TidegateError('TG_TOPIC_INVALID', reason);
    case KAFKA.UNKNOWN_TOPIC_OR_PARTITION:
      return new TidegateError('TG_TOPIC_MISSING', `${reason}. Create it, or let the configuration create it.`);
    default:
      return new TidegateError('TG_RECORD_REFUSED', reason);
  }
}
