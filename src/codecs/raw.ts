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

/** Header of a record whose frame was binary. */
const FRAME_TYPE = 'websocket-frame';
const BINARY: Headers = [[FRAME_TYPE, 'binary']];

type Frames = 'auto' | 'text' | 'binary';

class RawCodec implements Codec<null> {
  readonly answers = false;
  private readonly frames: Frames;

  constructor(frames: Frames) {
    this.frames = frames;
  }

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
    const { payload } = message;
    switch (this.frames) {
      case 'binary':
        return { data: payload, binary: true };
      case 'text':
        // Clients close the connection on other bytes in a text frame (RFC 6455 8.1): they become U+FFFD.
        return { data: isUtf8(payload) ? payload : message.text, binary: false };
      case 'auto':
        return { data: payload, binary: wasBinary(message) || !isUtf8(payload) };
    }
  }

  /** A client could not tell a frame of ours from its data; drops are counted and logged. */
  dropped(): null {
    return null;
  }
}

export const raw = defineCodec({
  name: 'raw',
  summary: 'Text and binary frames pass through untouched, without answers.',
  config: z.strictObject({
    frames: z
      .enum(['auto', 'text', 'binary'])
      .default('auto')
      .describe(
        'How records are sent. auto: as the kind of frame that they came in; records of other producers as text if their bytes are valid UTF-8, which a binary format may be by chance. binary: always binary, for binary formats. text: always text; bytes that are not valid UTF-8 are replaced by U+FFFD.',
      ),
  }),
  examples: [{}, { frames: 'binary' }],
  create: ({ frames }) => new RawCodec(frames),
});

function wasBinary({ headers }: Message): boolean {
  return lastHeader(headers, FRAME_TYPE)?.toString() === 'binary';
}
