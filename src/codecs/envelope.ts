import { isUtf8 } from 'node:buffer';
import {
  asWritten,
  type Codec,
  defineCodec,
  type Effect,
  type ExactNumber,
  type Frame,
  JsonPath,
  type Message,
  type Outcome,
  parseTraceparent,
  type Rejection,
  writeJson,
  z,
} from '../sdk/index.ts';

/** The S1 envelope: `{ messageType, content, timestamp }`, all texts. A client may add `id` and `traceparent`. */
interface Envelope {
  readonly messageType: MessageType;
  readonly content: string;
  readonly timestamp: string;
  readonly id?: Id;
  readonly traceparent?: unknown;
}

const MESSAGE_TYPES = ['USER', 'SYSTEM', 'ACK', 'ERROR'] as const;
type MessageType = (typeof MESSAGE_TYPES)[number];

/** ISO 8601, with or without fraction and zone: Python's `datetime.isoformat()` writes neither zone nor always a fraction. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;
const MAX_ID_LENGTH = 256;
/** ECMAScript's last millisecond. */
const MAX_TIME = 8_640_000_000_000_000;

type Id = string | number | ExactNumber | undefined;

const ID = new JsonPath(['id']);

/** What an ACK says. S1's clients know the first one, letter for letter. */
const ACK_TEXTS: Readonly<Record<Outcome, string>> = {
  stored: 'Message published',
  filtered: 'Message filtered out, it is not published',
  dead_letter: 'Message cannot be processed, it is kept as a dead letter and not published',
};

/** A frame that is no envelope, with what is wrong and the id where one could be read. */
interface Mistake {
  readonly reason: string;
  readonly message: string;
  readonly id?: Id;
}

class EnvelopeCodec implements Codec<null> {
  readonly answers = true;
  private ackAt = 0;
  private ackOutcome: Outcome | undefined;
  private ackFrame: Frame = { data: '', binary: false };

  open(connection: { readonly clientId: string }, now: number) {
    const welcome = {
      messageType: 'SYSTEM',
      content: `Welcome! Your client ID is ${connection.clientId}`,
      timestamp: iso(now),
      clientId: connection.clientId,
    };
    return { state: null, effects: [{ type: 'reply', frame: text(welcome) } satisfies Effect] };
  }

  frame(_state: null, data: Buffer, binary: boolean, now: number): readonly Effect[] {
    const read = binary ? BINARY : readEnvelope(data);
    if ('reason' in read)
      return [
        {
          type: 'reply',
          frame: errorFrame(asWritten(read.id, ID, data) as Id, 'TG_MESSAGE_INVALID', read.message, false, now),
          rejected: read.reason,
          why: read.message,
        },
      ];
    const { traceparent } = read;
    const id = asWritten(read.id, ID, data) as Id;
    return [
      {
        type: 'publish',
        correlation: id,
        message: {
          payload: data,
          json: read,
          // Kept as a header so that whoever reads the topic can tell a message that was sent again.
          ...(id === undefined ? {} : { headers: [['message-id', String(id)] as const] }),
          ...(isTraceparent(traceparent) ? { traceparent } : {}),
        },
      },
    ];
  }

  settled(_state: null, correlation: unknown, rejection: Rejection | null, now: number, outcome?: Outcome): Frame {
    const id = correlation as Id;
    if (rejection !== null) return errorFrame(id, rejection.code, rejection.message, rejection.retryable, now);
    if (id !== undefined) return ackFrame(outcome, id, now);
    if (this.ackAt !== now || this.ackOutcome !== outcome) {
      this.ackAt = now;
      this.ackOutcome = outcome;
      this.ackFrame = ackFrame(outcome, id, now);
    }
    return this.ackFrame;
  }

  record(message: Message, now: number): Frame | null {
    if (message.meta.tombstone === true) return null;
    if (isEnvelope(message)) return { data: message.payload, binary: false };
    return text({
      messageType: 'USER',
      content: message.text,
      timestamp: iso(isTime(message.timestamp) ? message.timestamp : now),
    });
  }

  dropped(count: number, now: number): Frame {
    const content = `${count} ${count === 1 ? 'message was' : 'messages were'} dropped because this client reads too slowly`;
    return text({ messageType: 'SYSTEM', content, timestamp: iso(now), dropped: count });
  }
}

export const envelope = defineCodec({
  name: 'envelope',
  summary: 'JSON envelopes { messageType, content, timestamp }; each message is answered by ACK or ERROR.',
  config: z.strictObject({}),
  examples: [{}],
  create: () => new EnvelopeCodec(),
});

const BINARY: Mistake = {
  reason: 'binary',
  message: 'a binary frame came where a text frame with a JSON envelope is due',
};

function readEnvelope(data: Buffer): Envelope | Mistake {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (error) {
    return { reason: 'not_json', message: `the frame is not JSON: ${(error as Error).message}` };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { reason: 'shape', message: 'the frame must be a JSON object with messageType, content and timestamp' };
  }
  return checkEnvelope(value as Partial<Record<keyof Envelope, unknown>>);
}

function checkEnvelope(value: Partial<Record<keyof Envelope, unknown>>): Envelope | Mistake {
  const { id, messageType, content, timestamp } = value;
  if (id !== undefined && !isId(id)) {
    return { reason: 'id', message: `id must be a text of at most ${MAX_ID_LENGTH} characters or a number` };
  }
  if (messageType !== 'USER' && messageType !== 'SYSTEM') {
    const known = MESSAGE_TYPES.includes(messageType as MessageType);
    const why =
      messageType === undefined
        ? 'messageType is missing'
        : known
          ? `${messageType} is for the server to send`
          : `messageType ${JSON.stringify(messageType)} is unknown`;
    return { reason: 'message_type', message: `${why}; clients send USER or SYSTEM`, id };
  }
  if (typeof content !== 'string') {
    return { reason: 'content', message: content === undefined ? 'content is missing' : 'content must be a text', id };
  }
  if (typeof timestamp !== 'string' || !isTimestamp(timestamp)) {
    const why =
      timestamp === undefined ? 'timestamp is missing' : `timestamp ${JSON.stringify(timestamp)} is no ISO 8601 time`;
    return { reason: 'timestamp', message: `${why}; send one such as 2024-01-01T12:00:00Z`, id };
  }
  return value as Envelope;
}

/** Tracing never costs a message: what cannot be parsed counts as absent (W3C Trace Context 3.2). */
function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && parseTraceparent(value) !== undefined;
}

function isTimestamp(text: string): boolean {
  if (!TIMESTAMP.test(text) || Number.isNaN(Date.parse(text))) return false;
  const day = Number(text.slice(8, 10));
  // Date takes a 30th of February for a 1st of March.
  return (
    day <= 28 || new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, day)).getUTCDate() === day
  );
}

function isId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ID_LENGTH);
}

/** Whether a record is an envelope already, fit for a text frame; any other producer's record is not. */
function isEnvelope(message: Message): boolean {
  // A text frame with other bytes would cost every client its connection (RFC 6455 8.1).
  if (message.payload[0] !== 0x7b || !isUtf8(message.payload)) return false;
  try {
    const value = message.plainJson as Partial<Envelope> | null;
    return (
      typeof value?.content === 'string' &&
      typeof value.timestamp === 'string' &&
      MESSAGE_TYPES.includes(value.messageType as MessageType)
    );
  } catch {
    return false;
  }
}

/** What is undefined is left out. */
function ackFrame(outcome: Outcome | undefined, id: Id, now: number): Frame {
  return text({ messageType: 'ACK', content: ACK_TEXTS[outcome ?? 'stored'], timestamp: iso(now), id, outcome });
}

function errorFrame(id: Id, code: string, message: string, retryable: boolean, now: number): Frame {
  return text({
    messageType: 'ERROR',
    content: message,
    timestamp: iso(now),
    ...(id === undefined ? {} : { id }),
    code,
    retryable,
  });
}

function text(value: unknown): Frame {
  return { data: writeJson(value) ?? 'null', binary: false };
}

/** Other producers write -1 for "none", or micro- and nanoseconds, which Date does not know. */
function isTime(milliseconds: number): boolean {
  return milliseconds > 0 && milliseconds <= MAX_TIME;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
