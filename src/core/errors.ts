/**
 * What the receiver of an error should do next. The thrower classifies, the machine that catches decides.
 * - `retry`: the same again may work after a pause
 * - `reject`: this message will never work; others are fine
 * - `wait`: the log or a peer is away; hold everything and keep trying
 * - `stop`: nothing here can go on until an operator changes something
 */
export type NextStep = 'retry' | 'reject' | 'wait' | 'stop';

interface CatalogueEntry {
  readonly next: NextStep;
  readonly meaning: string;
}

/** The closed list of errors. Codes are stable: users alert on them. docs/reference/errors.md is generated from it. */
export const ERRORS = {
  TG_CONFIG_INVALID: { next: 'stop', meaning: 'The configuration has mistakes; every one of them is listed.' },
  TG_CONFIG_UNREADABLE: { next: 'stop', meaning: 'The configuration file cannot be read or is not YAML.' },
  TG_RELOAD_REFUSED: {
    next: 'stop',
    meaning: 'A new configuration changes what cannot change while the gateway runs; nothing was changed.',
  },
  TG_DRIVER_AMBIGUOUS: {
    next: 'stop',
    meaning: 'It is not clear which log to use; the embedded log is never chosen by accident.',
  },
  TG_PLUGIN_MISSING: { next: 'stop', meaning: 'The file or package of a plugin is not there.' },
  TG_PLUGIN_VERSION: { next: 'stop', meaning: 'A plugin was made for other versions of Tidegate; it was not run.' },
  TG_PLUGIN_IMPORT_FAILED: {
    next: 'stop',
    meaning: 'A plugin threw an error as it was loaded, has a mistake in its syntax, or imports what is not there.',
  },
  TG_PLUGIN_IMPORT_TIMEOUT: { next: 'stop', meaning: 'A plugin waits, as it is loaded, for what does not come.' },
  TG_PLUGIN_EXPORT_MISSING: { next: 'stop', meaning: 'A plugin has no default export.' },
  TG_PLUGIN_INVALID: {
    next: 'stop',
    meaning: 'What a plugin exports breaks a rule of the SDK: its kind, name, summary, schema or needs.',
  },
  TG_PLUGIN_NAME_TAKEN: { next: 'stop', meaning: 'Two components of a kind have the same name.' },
  TG_PLUGIN_EXAMPLE_INVALID: { next: 'stop', meaning: 'An example of a component does not fit the schema beside it.' },
  TG_PLUGIN_CREATE_FAILED: {
    next: 'stop',
    meaning: 'The function create of a component threw an error, or returned something that is no such component.',
  },
  TG_PLUGIN_OPEN_TIMEOUT: {
    next: 'retry',
    meaning: 'A component of a plugin did not open in time; its pipeline tries again after a pause.',
  },
  TG_LISTEN_FAILED: { next: 'stop', meaning: 'A port cannot be bound.' },
  TG_DATA_DIR_OWNED: { next: 'stop', meaning: 'Another process owns the data directory of the embedded log.' },
  TG_DATA_DIR_UNUSABLE: {
    next: 'stop',
    meaning: 'The data directory cannot be created, read or locked, or its log is damaged.',
  },
  TG_DISK_FULL: {
    next: 'wait',
    meaning: 'The disk of the embedded log is full: nothing was stored. Writing goes on once there is space.',
  },
  TG_LOG_UNAVAILABLE: { next: 'wait', meaning: 'The log cannot be reached; the outcome of what was sent is unknown.' },
  TG_LOG_FENCED: { next: 'retry', meaning: 'The brokers no longer know the producer; a new one is needed.' },
  TG_TOPIC_MISSING: { next: 'reject', meaning: 'The topic does not exist and may not be created.' },
  TG_TOPIC_INVALID: {
    next: 'reject',
    meaning: 'The name or the settings of the topic are refused, by the log or by a limit of the sink.',
  },
  TG_TOO_FEW_BROKERS: { next: 'retry', meaning: 'The topic needs more copies than there are brokers.' },
  TG_RECORD_TOO_LARGE: { next: 'reject', meaning: 'The record is larger than its topic allows.' },
  TG_RECORD_REFUSED: { next: 'reject', meaning: 'The log refuses the record itself.' },
  TG_CLOCK_WRONG: {
    next: 'retry',
    meaning: 'The log refuses the time that the clock of this gateway gave a record: one of the two clocks is wrong.',
  },
  TG_NOT_AUTHORIZED: { next: 'reject', meaning: 'The log does not allow this gateway to do that.' },
  TG_NOT_ALLOWED: { next: 'reject', meaning: 'The endpoint does not allow its clients to do that.' },
  TG_TOKEN_REFUSED: {
    next: 'reject',
    meaning: 'A client sent a new token on its connection, and it was refused: it is not valid, or has expired.',
  },
  TG_TOKEN_UNCHECKED: {
    next: 'retry',
    meaning:
      'A client sent a new token on its connection, and it cannot be checked at the moment; it may send it again.',
  },
  TG_LIMIT_REACHED: { next: 'retry', meaning: 'A client has reached one of its limits; it may try again later.' },
  TG_NOT_SUBSCRIBED: {
    next: 'reject',
    meaning: 'A client asked for something that needs a subscription, or a partition that it does not hold.',
  },
  TG_GROUP_FAILED: { next: 'retry', meaning: 'Consuming as a member of a group failed.' },
  TG_MESSAGE_INVALID: { next: 'reject', meaning: 'The message does not have the required form.' },
  TG_EXPRESSION_FAILED: { next: 'reject', meaning: 'An expression could not be evaluated for this message.' },
  TG_EXPRESSION_LIMIT: {
    next: 'reject',
    meaning: 'An expression takes more steps, memory or time for this message than is allowed.',
  },
  TG_PROCESSOR_FAILED: { next: 'reject', meaning: 'A processor threw an error for this message.' },
  TG_PROCESSOR_TIMEOUT: {
    next: 'reject',
    meaning: 'A processor was not done with the message within its timeout; what it makes of it later is ignored.',
  },
  TG_PROCESSOR_BUSY: {
    next: 'retry',
    meaning: 'A processor cannot do its work at the moment; the same message may work later.',
  },
  TG_STATE_FULL: {
    next: 'reject',
    meaning: 'An operator keeps as much as its limits allow, and cannot take the message in.',
  },
  TG_MESSAGE_FILTERED: {
    next: 'reject',
    meaning: 'A processor ended the message on purpose, and the endpoint says on_filtered: error.',
  },
  TG_CODEC_FAILED: { next: 'reject', meaning: 'A codec threw an error for this message.' },
  TG_FLOW_FAILED: { next: 'retry', meaning: 'A pipeline ended with an error; its messages were not processed.' },
  TG_NOT_RUNNING: { next: 'stop', meaning: 'The gateway has not been started, or has been stopped.' },
  TG_REMOTE_FAILED: {
    next: 'stop',
    meaning: 'The connection to a WebSocket server ended, or could not be opened, and reconnect.enabled is false.',
  },
  TG_REMOTE_REFUSED: {
    next: 'reject',
    meaning: 'A WebSocket server refused a record in its reply, or sent no reply to it.',
  },
  TG_CONNECT_REFUSED: {
    next: 'reject',
    meaning: 'A request to the Kafka Connect API was refused; the answer says why.',
  },
  TG_STOPPING: { next: 'retry', meaning: 'The gateway stopped before the outcome was known.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The only error class that leaves a module of Tidegate. `message` says what, where and what to do. */
export class TidegateError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TidegateError';
    this.code = code;
  }

  get next(): NextStep {
    return ERRORS[this.code].next;
  }

  /** Whether the sender may send the same message again, and whether the outcome may be "stored" after all. */
  get retryable(): boolean {
    return this.next === 'retry' || this.next === 'wait';
  }
}

/** What any thrown value says. Some libraries throw plain objects with a `message`, JSONata among them. */
export function reasonOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const { message } = thrown as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : wordsOf(thrown);
}

/** What a plugin throws may itself throw when it is looked at; as a cause it would do so again in the log. */
function isReadable(thrown: unknown): boolean {
  try {
    return thrown instanceof Error || typeof reasonOf(thrown) === 'string';
  } catch {
    return false;
  }
}

function wordsOf(thrown: object): string {
  if (thrown instanceof Error) return thrown.name;
  try {
    return JSON.stringify(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

/** Gives any thrown value a code, keeping what it says and where it came from. A context that it has already is not repeated. */
export function asTidegateError(thrown: unknown, code: ErrorCode, context?: string): TidegateError {
  if (!isReadable(thrown)) return new TidegateError(code, 'an object that cannot be read');
  if (thrown instanceof TidegateError) return thrown;
  const reason = reasonOf(thrown);
  const hasContext = context === undefined || reason.startsWith(`${context}: `);
  return new TidegateError(code, hasContext ? reason : `${context}: ${reason}`, thrown);
}

/** Why a message was not acked, as a codec sends it to a client. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  /** True: the message may be in the log, or could be next time; send it again with the same id. */
  readonly retryable: boolean;
}
