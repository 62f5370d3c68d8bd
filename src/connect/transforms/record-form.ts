import { parseAsWritten } from '../../core/exact-number.ts';
import type { Message } from '../../core/message.ts';
import { isJsonObject, writeJson } from '../../sdk/index.ts';
import { dataError } from './java-values.ts';

/** How values are written in the log. json: as JSON. connect_json: as Kafka's JsonConverter does. */
export type ValueForm = 'string' | 'bytes' | 'json' | 'connect_json';

/** The converters of a connector. */
export interface RecordForm {
  readonly key: ValueForm;
  readonly value: ValueForm;
  /** Whether JsonConverter puts values into `{"schema":...,"payload":...}`. */
  readonly withSchemas: boolean;
}

/** As org.apache.kafka.connect.json.JsonConverter has it for a text. */
const TEXT_SCHEMA = '{"type":"string","optional":false}';

/** A record without a value has none in any form. */
const NOTHING = Buffer.alloc(0);

/** The value of a message that a server has sent: with JsonConverter, too, it is text. */
export function valueFromServer(message: Message, { value }: RecordForm): unknown {
  if (value === 'json') return json(message.text);
  return value === 'bytes' ? message.payload : message.text;
}

/** The value of a record of the log. */
export function valueFromLog(message: Message, { value, withSchemas }: RecordForm): unknown {
  if (message.isTombstone) return null;
  if (value === 'bytes') return message.payload;
  if (value === 'string') return message.text;
  const read = json(message.text);
  if (value === 'json' || !withSchemas) return read;
  if (!isJsonObject(read) || !('payload' in read) || !('schema' in read))
    throw dataError('the payload has no "schema" and "payload"');
  return read.payload ?? null;
}

/** The value as a record of the log has it; empty for a tombstone. */
export function valueForLog(value: unknown, { value: form, withSchemas }: RecordForm): Buffer {
  if (value === null) return NOTHING;
  if (form !== 'connect_json') return form === 'json' ? jsonBytes(value) : valueForServer(value);
  if (!withSchemas) return jsonBytes(value);
  const schema = typeof value === 'string' ? TEXT_SCHEMA : 'null';
  return Buffer.concat([Buffer.from(`{"schema":${schema},"payload":`), jsonBytes(value), Buffer.from('}')]);
}

/** The value as a server gets it: text and bytes as they are, everything else as JSON. */
export function valueForServer(value: unknown): Buffer {
  if (value === null) return NOTHING;
  if (Buffer.isBuffer(value)) return value;
  return typeof value === 'string' ? Buffer.from(value) : jsonBytes(value);
}

type Key = string | Buffer | null;

/** The key of a record: JSON where its converter reads that, otherwise what is there. */
export function keyFromLog(key: Key, { key: form }: RecordForm): unknown {
  if (key === null || form === 'bytes') return key;
  const text = String(key);
  if (form === 'string') return text;
  try {
    return parseAsWritten(text);
  } catch {
    // Keys are written as plain text here, with every converter.
    return text;
  }
}

export function keyForLog(key: unknown): Key {
  if (key === null || typeof key === 'string' || Buffer.isBuffer(key)) return key;
  return writeJson(key) ?? null;
}

function json(text: string): unknown {
  try {
    return parseAsWritten(text);
  } catch (error) {
    throw dataError(`the payload is not JSON: ${(error as Error).message}`, error);
  }
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(writeJson(Buffer.isBuffer(value) ? value.toString('base64') : value) ?? 'null');
}
