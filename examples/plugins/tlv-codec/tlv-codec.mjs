// A binary protocol: a frame is a type and fields with their lengths, as devices send it that have no JSON.
import { isUtf8 } from 'node:buffer';
import { defineCodec, z } from 'tidegate/sdk';

/** Types of frames: a client sends PUBLISH, and receives the others. */
export const TYPES = { publish: 1, ok: 2, error: 3, record: 4, dropped: 5 };
/** Tags of fields. */
export const TAGS = { id: 1, key: 2, payload: 3, code: 4, message: 5, retryable: 6, outcome: 7, count: 8 };

const TYPE_NAMES = namesOf(TYPES);
const TAG_NAMES = namesOf(TAGS);
/** Tag and length: 8 and 32 bits. */
const FIELD_HEAD = 5;

/** A frame of a type with fields; a value is a Buffer, a text, or a number of 32 bits. */
export function encode(type, fields) {
  const parts = [Buffer.from([TYPES[type]])];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    const bytes = bytesOf(value);
    const head = Buffer.alloc(FIELD_HEAD);
    head.writeUInt8(TAGS[name], 0);
    head.writeUInt32BE(bytes.length, 1);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** The type and the fields of a frame, as Buffers; fields with other tags are left out. A text says what is wrong. */
export function decode(data) {
  const type = TYPE_NAMES.get(data[0]);
  if (type === undefined) return data.length === 0 ? 'the frame is empty' : `there is no type ${data[0]}`;
  const fields = {};
  let at = 1;
  while (at < data.length) {
    if (at + FIELD_HEAD > data.length) return `the field at ${at} is cut off`;
    const length = data.readUInt32BE(at + 1);
    const end = at + FIELD_HEAD + length;
    if (end > data.length)
      return `the field at ${at} has ${length} bytes, and ${data.length - at - FIELD_HEAD} are there`;
    const name = TAG_NAMES.get(data[at]);
    if (name !== undefined) {
      if (fields[name] !== undefined) return `there are two fields ${name}`;
      fields[name] = data.subarray(at + FIELD_HEAD, end);
    }
    at = end;
  }
  return { type, fields };
}

const codec = {
  answers: true,
  open: () => ({ state: null, effects: [] }),
  frame: (_state, data, binary) => {
    if (!binary) return [{ type: 'close', code: 1003, reason: 'this endpoint takes binary frames' }];
    const decoded = decode(data);
    if (typeof decoded === 'string') return [refusal(undefined, decoded)];
    const { type, fields } = decoded;
    const { id, key, payload } = fields;
    if (type !== 'publish') return [refusal(id, `a client sends frames of the type ${TYPES.publish}`)];
    if (id?.length !== 4) return [refusal(undefined, 'the field id has 4 bytes')];
    if (payload === undefined) return [refusal(id, 'the field payload is missing')];
    return [{ type: 'publish', message: { payload, key: key === undefined ? null : keyOf(key) }, correlation: id }];
  },
  settled: (_state, id, rejection, _now, outcome = 'stored') => {
    if (rejection === null) return frameOf('ok', { id, outcome });
    const { code, message, retryable } = rejection;
    return frameOf('error', { id, code, message, retryable: retryable ? 1 : 0 });
  },
  record: ({ key, payload }) => frameOf('record', { key, payload }),
  dropped: (count) => frameOf('dropped', { count }),
};

export default defineCodec({
  name: 'tlv',
  summary: 'Binary frames of a type and fields with their lengths, with an answer to each.',
  sdk: '^0.1',
  config: z.strictObject({}),
  examples: [{}],
  create: () => codec,
});

function refusal(id, message) {
  const fields = { id, code: 'TG_MESSAGE_INVALID', message, retryable: 0 };
  return { type: 'reply', frame: frameOf('error', fields), rejected: 'form', why: message };
}

function frameOf(type, fields) {
  return { data: encode(type, fields), binary: true };
}

/** Text where it is text, so that it is the key of the same record written by another program. */
function keyOf(bytes) {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes);
}

function bytesOf(value) {
  if (typeof value !== 'number') return Buffer.from(value);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function namesOf(numbers) {
  return new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
}
