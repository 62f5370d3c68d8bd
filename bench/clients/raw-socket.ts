import { connect, type Socket } from 'node:net';
import { pongFrame } from './frames.ts';

const PING = 0x9;
const CLOSE = 0x8;

/** Told of each data frame: where its payload stands in the read buffer, which is used again afterwards. */
type OnFrame = (buffer: Buffer, start: number, length: number) => void;

export interface RawSocketOptions {
  readonly port: number;
  readonly onFrame: OnFrame;
  /** Called when all frames of one read have been seen. */
  readonly onRead?: () => void;
  /** Largest frame that can be read. */
  readonly bufferBytes?: number;
}

/** A WebSocket client that does nothing but find the frames in what it reads, without making an object for any. */
export class RawSocket {
  isOpen = false;
  private readonly socket: Socket;
  private readonly options: RawSocketOptions;
  private readonly buffer: Buffer;
  private filled = 0;
  private opened: { resolve: () => void; reject: (error: Error) => void } = { resolve() {}, reject() {} };

  private constructor(options: RawSocketOptions) {
    this.options = options;
    this.buffer = Buffer.allocUnsafeSlow(options.bufferBytes ?? 131_072);
    this.socket = connect({
      port: options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: () => this.buffer.subarray(this.filled),
        callback: (bytes) => {
          this.read(bytes);
          return true;
        },
      },
    });
    this.socket.on('connect', () => this.socket.write(handshake(options.port)));
    this.socket.on('error', (error) => this.opened.reject(error));
    this.socket.on('close', () => {
      this.isOpen = false;
      this.opened.reject(new Error('the server closed the connection'));
    });
  }

  static open(options: RawSocketOptions): Promise<RawSocket> {
    const raw = new RawSocket(options);
    return new Promise((resolve, reject) => {
      raw.opened = { resolve: () => resolve(raw), reject };
    });
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private read(bytes: number): void {
    this.filled += bytes;
    const used = this.isOpen ? this.frames(0) : this.handshakeAnswer();
    if (used > 0) {
      this.buffer.copyWithin(0, used, this.filled);
      this.filled -= used;
    }
    if (this.filled === this.buffer.length) this.socket.destroy(new Error('a frame larger than the buffer'));
    this.options.onRead?.();
  }

  private handshakeAnswer(): number {
    const end = this.buffer.subarray(0, this.filled).indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const answer = this.buffer.toString('latin1', 0, end);
    if (!answer.startsWith('HTTP/1.1 101')) {
      this.socket.destroy();
      this.opened.reject(new Error(answer));
      return this.filled;
    }
    this.isOpen = true;
    this.opened.resolve();
    return this.frames(end + 4);
  }

  /** Returns where the first unfinished frame begins. */
  private frames(from: number): number {
    const { buffer, filled } = this;
    let at = from;
    while (at + 2 <= filled) {
      const short = (buffer[at + 1] as number) & 0x7f;
      const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (start > filled) break;
      const length = short < 126 ? short : short === 126 ? buffer.readUInt16BE(at + 2) : buffer.readUInt32BE(at + 6);
      if (start + length > filled) break;
      const opcode = (buffer[at] as number) & 0x0f;
      if (opcode < CLOSE) this.options.onFrame(buffer, start, length);
      else if (opcode === PING) this.write(pongFrame(Buffer.from(buffer.subarray(start, start + length))));
      else if (opcode === CLOSE) this.socket.end();
      at = start + length;
    }
    return at;
  }
}

function handshake(port: number): string {
  return [
    'GET /ws HTTP/1.1',
    `Host: localhost:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}
