import { isUtf8 } from 'node:buffer';
import {
  asWritten,
  type Codec,
  countFields,
  defineCodec,
  type Effect,
  ExactNumber,
  type Frame,
  JsonPath,
  type Message,
  type Outcome,
  quote,
  type Rejection,
  repeatedField,
  writeJson,
  z,
} from '../sdk/index.ts';

/** `{ messageType, content, timestamp }`, all texts. A client may add `id`, and headers of traces such as `traceparent`. */
interface Envelope {
  readonly messageType: MessageType;
  readonly content: string;
  readonly timestamp: string;
  readonly id?: Id;
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

/** The content of an ACK. Existing clients expect the first one, letter for letter. */
const ACK_TEXTS: Readonly<Record<Outcome, string>> = {
  stored: 'Message published',
  filtered: 'Message filtered out, it is not published',
  dead_letter: 'Message cannot be processed, it is kept as a dead letter and not published',
};

/** A frame that is not an envelope: what is wrong, and the id if it has one. A class, because a client may send any field. */
class Mistake {
  readonly reason: string;
  readonly message: string;
  readonly id: Id;

  constructor(reason: string, message: string, id?: Id) {
    this.reason = reason;
    this.message = message;
    this.id = id;
  }
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
    if (read instanceof Mistake)
      return [
        {
          type: 'reply',
          frame: errorFrame(read.id, 'TG_MESSAGE_INVALID', read.message, false, now),
          rejected: read.reason,
          why: read.message,
        },
      ];
    const { id, envelope } = read;
    return [
      {
        type: 'publish',
        correlation: id,
        message: {
          payload: data,
          json: envelope,
          // Kept as a header so that readers of the topic can recognise a message that was sent again.
          ...(id === undefined ? {} : { headers: [['message-id', String(id)] as const] }),
          fields: envelope,
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

const BINARY = new Mistake('binary', 'a text frame with a JSON envelope was expected, not a binary frame');
const ID_MISTAKE = new Mistake(
  'id',
  `id must be a text of at most ${MAX_ID_LENGTH} characters, or a number of at most ${MAX_ID_LENGTH} digits`,
);

type Fields = Partial<Record<keyof Envelope, unknown>>;

function readEnvelope(data: Buffer): { readonly envelope: Envelope; readonly id: Id } | Mistake {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (error) {
    return new Mistake('not_json', `the frame is not JSON: ${(error as Error).message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return new Mistake('shape', 'the frame must be a JSON object with messageType, content and timestamp');
  }
  const fields = value as Fields;
  if (fields.id !== undefined && !isId(fields.id)) return ID_MISTAKE;
  const id = asWritten(fields.id, ID, data) as Id;
  if (id instanceof ExactNumber && id.digits.length > MAX_ID_LENGTH) return ID_MISTAKE;
  // Of two values another reader of the topic may take the one that was not checked here (RFC 8259 4).
  const hasTwice = countFields(data) > Object.keys(value).length;
  return (
    (hasTwice ? new Mistake('duplicate', twice(data), id) : mistakeIn(fields, id)) ?? {
      envelope: value as Envelope,
      id,
    }
  );
}

function twice(data: Buffer): string {
  return `the field ${quote(JSON.stringify(repeatedField(data)))} occurs twice; send it once`;
}

function mistakeIn({ messageType, content, timestamp }: Fields, id: Id): Mistake | undefined {
  if (messageType !== 'USER' && messageType !== 'SYSTEM') {
    const known = MESSAGE_TYPES.includes(messageType as MessageType);
    const why = known
      ? `${String(messageType)} is for the server to send`
      : `messageType ${mistaken(messageType, 'unknown')}`;
    return new Mistake('message_type', `${why}; clients send USER or SYSTEM`, id);
  }
  if (typeof content !== 'string')
    return new Mistake('content', content === undefined ? 'content is missing' : 'content must be a text', id);
  if (typeof timestamp !== 'string' || !isTimestamp(timestamp)) {
    const why = `timestamp ${mistaken(timestamp, 'not an ISO 8601 time')}`;
    return new Mistake('timestamp', `${why}; send one such as 2024-01-01T12:00:00Z`, id);
  }
  return undefined;
}

/** What is wrong with a field that has to be a text of some form. A text is quoted in part, another value not at all. */
function mistaken(value: unknown, what: string): string {
  if (value === undefined) return 'is missing';
  if (typeof value !== 'string') return 'must be a text';
  return `${quote(JSON.stringify(value))} is ${what}`;
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
