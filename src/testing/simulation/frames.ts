const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The mask that all frames of simulated clients have (RFC 6455 5.3): it changes nothing. */
const MASK = Buffer.alloc(4);

/** A frame as a client sends it. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, MASK, payload]);
}

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Reads the frames of a server out of the bytes that it sends. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);
  private parts: Buffer[] = [];
  private opcode = CONTINUATION;

  /** The messages and control frames that are complete by now. */
  read(bytes: Buffer): ServerFrame[] {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const frames: ServerFrame[] = [];
    for (let size = sizeOf(this.rest); size !== undefined; size = sizeOf(this.rest)) {
      const { head, length } = size;
      const payload = Buffer.from(this.rest.subarray(head, head + length));
      const frame = this.complete(this.rest[0] as number, payload);
      if (frame !== undefined) frames.push(frame);
      this.rest = this.rest.subarray(head + length);
    }
    return frames;
  }

  private complete(first: number, payload: Buffer): ServerFrame | undefined {
    const opcode = first & 0x0f;
    if (opcode >= CLOSE) return { opcode, payload };
    if (opcode !== CONTINUATION) this.opcode = opcode;
    this.parts.push(payload);
    if ((first & 0x80) === 0) return undefined;
    const whole = { opcode: this.opcode, payload: Buffer.concat(this.parts) };
    this.parts = [];
    return whole;
  }
}

/** Of the first frame, where all of it is there: bytes of its head and of its payload. */
function sizeOf(bytes: Buffer): { readonly head: number; readonly length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return bytes.length < head + length ? undefined : { head, length };
}
