import { isUtf8 } from 'node:buffer';
import {
  type Codec,
  defineCodec,
  type Effect,
  type Frame,
  field,
  JsonPath,
  type Message,
  type Outcome,
  type Rejection,
  z,
} from '../sdk/index.ts';

const ID = new JsonPath(['id']);
/** Characters of an id, which each answer repeats. As JSON; an escape in a text counts as one character. */
const MAX_ID = 256;

class JsonCodec implements Codec<null> {
  readonly answers: boolean;

  constructor(answers: boolean) {
    this.answers = answers;
  }

  open(): { state: null; effects: readonly Effect[] } {
    return { state: null, effects: [] };
  }

  frame(_state: null, data: Buffer, binary: boolean): readonly Effect[] {
    if (binary) return [rejected('binary', 'a text frame with JSON was expected, not a binary frame')];
    let json: unknown;
    try {
      json = JSON.parse(data.toString('utf8'));
    } catch (error) {
      return [rejected('not_json', `the frame is not JSON: ${(error as Error).message}`)];
    }
    const hasId = json !== null && typeof json === 'object' && 'id' in json;
    const id = hasId ? ID.textIn(data) : undefined;
    if (this.answers && id !== undefined && lengthOf(json as object, id) > MAX_ID)
      return [rejected('id', `id must be a JSON value of at most ${MAX_ID} characters`)];
    return [{ type: 'publish', message: { payload: data, json }, correlation: id }];
  }

  /** `id`: as the JSON that came, or undefined. */
  settled(_state: null, id: unknown, rejection: Rejection | null, _now?: number, outcome?: Outcome): Frame {
    const type = rejection === null ? 'ack' : 'error';
    const rest = JSON.stringify(rejection ?? { outcome }).slice(1);
    return {
      data: `{"type":"${type}"${id === undefined ? '' : `,"id":${id}`}${rest === '}' ? '' : ','}${rest}`,
      binary: false,
    };
  }

  record(message: Message): Frame | null {
    if (message.meta.tombstone === true) return null;
    return { data: isJson(message) ? message.payload : JSON.stringify(message.text), binary: false };
  }

  dropped(count: number): Frame {
    return text({ type: 'dropped', count });
  }
}

export const json = defineCodec({
  name: 'json',
  summary: 'Any JSON value, untouched both ways; a record that is not JSON is sent as a JSON text.',
  config: z.strictObject({
    answers: field
      .boolean()
      .default(true)
      .describe(
        'Answer each message with {"type":"ack","id","outcome"} or {"type":"error",...}; id is the field `id` of the message, outcome is stored, filtered or dead_letter.',
      ),
  }),
  examples: [{}, { answers: false }],
  create: ({ answers }) => new JsonCodec(answers),
});

/** Clients close the connection on a text frame that is not UTF-8 (RFC 6455 8.1). */
function isJson(message: Message): boolean {
  if (!isUtf8(message.payload)) return false;
  try {
    return message.plainJson !== undefined;
  } catch {
    return false;
  }
}

/** In characters. `json`: the id as it came, in which an escape is several characters. */
function lengthOf({ id }: { readonly id?: unknown }, json: string): number {
  return (typeof id === 'string' ? id : json).length;
}

function rejected(reason: string, message: string): Effect {
  return {
    type: 'reply',
    rejected: reason,
    why: message,
    frame: text({ type: 'error', code: 'TG_MESSAGE_INVALID', message, retryable: false }),
  };
}

function text(value: unknown): Frame {
  return { data: JSON.stringify(value), binary: false };
}
