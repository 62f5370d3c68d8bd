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

class JsonCodec implements Codec<null> {
  readonly answers: boolean;

  constructor(answers: boolean) {
    this.answers = answers;
  }

  open(): { state: null; effects: readonly Effect[] } {
    return { state: null, effects: [] };
  }

  frame(_state: null, data: Buffer, binary: boolean): readonly Effect[] {
    if (binary) return [rejected('binary', 'a binary frame came where a text frame with JSON is due')];
    let json: unknown;
    try {
      json = JSON.parse(data.toString('utf8'));
    } catch (error) {
      return [rejected('not_json', `the frame is not JSON: ${(error as Error).message}`)];
    }
    const hasId = json !== null && typeof json === 'object' && 'id' in json;
    const id = hasId ? ID.textIn(data) : undefined;
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
  summary: 'Any JSON value, untouched both ways; a record that is no JSON goes out as a JSON text.',
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

/** Bytes that are no UTF-8 in a text frame would cost every client its connection (RFC 6455 8.1). */
function isJson(message: Message): boolean {
  if (!isUtf8(message.payload)) return false;
  try {
    return message.plainJson !== undefined;
  } catch {
    return false;
  }
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
