import { quote } from '../../sdk/index.ts';

/** What a client may send: `{ id, t, a, p }`, and `ack` if it wants a reply when the record is in the log. */
export type Incoming = { readonly [K in 'id' | 't' | 'a' | 'p' | 'ack']?: unknown };

/** What a reply repeats of the message that it answers, and whether there is one at all. */
export interface Asked {
  /** The JSON that came, digit for digit; `null` where the message had no id, or none that could be read. */
  readonly id: string;
  readonly t?: 'topic' | 'notif' | 'health' | 'token';
  readonly a?: string;
  /** No reply to a success. */
  readonly isQuiet: boolean;
  /** The records of this subscription come with topic, partition, offset, key, headers and timestamp. */
  readonly isDetailed: boolean;
}

/** What is wrong with a message: `reason` for the metric, `message` for the client. */
export class Mistake {
  readonly reason: string;
  readonly message: string;
  readonly code: 'TG_MESSAGE_INVALID' | 'TG_TOPIC_INVALID';

  constructor(reason: string, message: string, code: Mistake['code'] = 'TG_MESSAGE_INVALID') {
    this.reason = reason;
    this.message = message;
    this.code = code;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

const MAX_NAME = 249;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Kafka's own rule (org.apache.kafka.common.internals.Topic), without a regular expression: every record passes here. */
export function isTopicName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME) return false;
  for (let index = 0; index < name.length; index++) if (!isNameUnit(name.charCodeAt(index))) return false;
  return name !== '.' && name !== '..';
}

function isNameUnit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) || // a-z
    (unit >= 0x41 && unit <= 0x5a) || // A-Z
    (unit >= 0x30 && unit <= 0x39) || // 0-9
    unit === 0x5f || // _
    unit === 0x2d || // -
    unit === 0x2e // .
  );
}

/** `where` is the place of the name in the message, such as `p.t`. */
export function topicMistake(name: unknown, where: string): Mistake {
  if (name === undefined) return new Mistake('topic', `${where} is missing; it is the name of a topic`);
  if (typeof name !== 'string') return new Mistake('topic', `${where} must be the name of a topic, which is a text`);
  const rule = 'a topic name has 1 to 249 letters, digits, ".", "_" and "-", and is neither "." nor ".."';
  return new Mistake('topic', `${where}: Kafka has no topic "${quote(name)}"; ${rule}`, 'TG_TOPIC_INVALID');
}

/** Names the first field that is not known; undefined where all are. */
export function unknownField(fields: Fields, known: readonly string[], where: string): Mistake | undefined {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  return new Mistake(
    'payload',
    `${where} has an unknown field "${quote(unknown)}"; known fields are ${known.join(', ')}`,
  );
}
