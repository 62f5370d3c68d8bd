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
  type Renewal,
  repeatedField,
  z,
} from '../sdk/index.ts';
import { ackFrame, ask, errorFrame, type Id, iso, isTime, renewed, text } from './envelope-frames.ts';

/** `{ messageType, content, timestamp }`, all texts. A client may add `id`, and headers of traces such as `traceparent`. */
interface Envelope {
  readonly messageType: MessageType;
  readonly content: string;
  readonly timestamp: string;
  readonly id?: Id;
}

const MESSAGE_TYPES = ['USER', 'SYSTEM', 'ACK', 'ERROR'] as const;
type MessageType = (typeof MESSAGE_TYPES)[number];
/** A new token in `content`, of a client that may renew its own; not a message. */
const TOKEN = 'TOKEN';

interface State {
  /** Whether the client may renew its token. */
  readonly renews: boolean;
}

/** Shared by all connections. */
const RENEWING: State = { renews: true };
const PLAIN: State = { renews: false };

/** ISO 8601, with or without fraction and zone: Python's `datetime.isoformat()` writes neither zone nor always a fraction. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;
const MAX_ID_LENGTH = 256;
const ID = new JsonPath(['id']);

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

class EnvelopeCodec implements Codec<State> {
  readonly answers = true;
  readonly renewal: Renewal<State> = { ask, renewed };
  private ackAt = 0;
  private ackOutcome: Outcome | undefined;
  private ackFrame: Frame = { data: '', binary: false };

  open({ clientId, renews }: { readonly clientId: string; readonly renews?: boolean }, now: number) {
    const welcome = {
      messageType: 'SYSTEM',
      content: `Welcome! Your client ID is ${clientId}`,
      timestamp: iso(now),
      clientId,
    };
    return {
      state: renews === true ? RENEWING : PLAIN,
      effects: [{ type: 'reply', frame: text(welcome) } satisfies Effect],
    };
  }

  frame({ renews }: State, data: Buffer, binary: boolean, now: number): readonly Effect[] {
    const read = binary ? BINARY : readEnvelope(data, renews);
    if (read instanceof Token) return [read.effect(now)];
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

  settled(_state: State, correlation: unknown, rejection: Rejection | null, now: number, outcome?: Outcome): Frame {
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

/** A frame of the type TOKEN. Its text is in no answer, and what is wrong with it makes no dead letter of it. */
class Token {
  private readonly content: unknown;
  private readonly id: Id;

  constructor(content: unknown, id: Id) {
    this.content = content;
    this.id = id;
  }

  effect(now: number): Effect {
    const { content, id } = this;
    if (typeof content === 'string' && content !== '') return { type: 'renew', token: content, correlation: id };
    const frame = errorFrame(id, 'TG_MESSAGE_INVALID', 'content must be the new token, a text', false, now);
    return { type: 'reply', frame };
  }
}

const BINARY = new Mistake('binary', 'a text frame with a JSON envelope was expected, not a binary frame');
const ID_MISTAKE = new Mistake(
  'id',
  `id must be a text of at most ${MAX_ID_LENGTH} characters, or a number of at most ${MAX_ID_LENGTH} digits`,
);

type Fields = Partial<Record<keyof Envelope, unknown>>;

function readEnvelope(
  data: Buffer,
  renews: boolean,
): { readonly envelope: Envelope; readonly id: Id } | Mistake | Token {
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
  const id = idIn(fields, data);
  if (renews && fields.messageType === TOKEN) return new Token(fields.content, id instanceof Mistake ? undefined : id);
  if (id instanceof Mistake) return id;
  // Of two values another reader of the topic may take the one that was not checked here (RFC 8259 4).
  const hasTwice = countFields(data) > Object.keys(value).length;
  return (
    (hasTwice ? new Mistake('duplicate', twice(data), id) : mistakeIn(fields, id)) ?? {
      envelope: value as Envelope,
      id,
    }
  );
}

/** The id of a frame, as it came. */
function idIn({ id }: Fields, data: Buffer): Id | Mistake {
  if (id !== undefined && !isId(id)) return ID_MISTAKE;
  const written = asWritten(id, ID, data) as Id;
  return written instanceof ExactNumber && written.digits.length > MAX_ID_LENGTH ? ID_MISTAKE : written;
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
