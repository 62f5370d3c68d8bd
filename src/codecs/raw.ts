import { isUtf8 } from 'node:buffer';
import {
  type Codec,
  defineCodec,
  type Effect,
  type Frame,
  type Headers,
  lastHeader,
  type Message,
  z,
} from '../sdk/index.ts';

/** Header of a record whose frame was binary; without it, bytes that are valid UTF-8 go out as text. */
const FRAME_TYPE = 'websocket-frame';
const BINARY: Headers = [[FRAME_TYPE, 'binary']];

class RawCodec implements Codec<null> {
  readonly answers = false;

  open(): { state: null; effects: readonly Effect[] } {
    return { state: null, effects: [] };
  }

  frame(_state: null, data: Buffer, binary: boolean): readonly Effect[] {
    return [{ type: 'publish', message: { payload: data, ...(binary ? { headers: BINARY } : {}) } }];
  }

  settled(): null {
    return null;
  }

  record(message: Message): Frame | null {
    if (message.meta.tombstone === true) return null;
    const binary = lastHeader(message.headers, FRAME_TYPE)?.toString() === 'binary' || !isUtf8(message.payload);
    return { data: message.payload, binary };
  }

  /** There is no frame of ours that a client could tell from its data; drops are counted and logged. */
  dropped(): null {
    return null;
  }
}

export const raw = defineCodec({
  name: 'raw',
  summary: 'Text and binary frames pass through untouched, without answers.',
  config: z.strictObject({}),
  examples: [{}],
  create: () => new RawCodec(),
});
