import { TidegateError } from '../../core/errors.ts';
import { ClientStream } from './client-stream.ts';
import { BINARY, CLOSE, clientFrame, FrameReader, PING, PONG, type ServerFrame, TEXT } from './frames.ts';

/** What a connection ended with; 1006 where no close frame came. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client without a network. It answers pings and close frames by itself. */
export interface SimulatedClient {
  /** Sends text or bytes as they are, anything else as JSON. It is in flight then, and has arrived after `quiet`. */
  send(message: unknown): void;
  /** What has come so far: texts, and Buffers of binary frames. */
  readonly frames: readonly (string | Buffer)[];
  /** The subprotocol that was chosen; undefined: none. */
  readonly protocol: string | undefined;
  /** undefined while it is open. */
  readonly closed: Closed | undefined;
  /** Sends a close frame. 1000 where the code is left out. */
  close(code?: number, reason?: string): void;
  /** Cuts the connection without a word. */
  cut(): void;
  /** Takes nothing that the gateway sends until `unstall`. */
  stall(): void;
  unstall(): void;
}

/** Where the client has come from the request for a WebSocket to its frames. */
type Phase = 'asking' | 'open' | 'over';

export class MemoryClient implements SimulatedClient {
  readonly frames: (string | Buffer)[] = [];
  readonly stream: ClientStream;
  protocol: string | undefined;
  closed: Closed | undefined;
  /** Why the handshake was refused. */
  refusal: TidegateError | undefined;
  private readonly endpoint: string;
  private readonly moved: () => void;
  private readonly reader = new FrameReader();
  private phase: Phase = 'asking';
  private head = Buffer.alloc(0);

  constructor(endpoint: string, remote: string, moved: () => void) {
    this.endpoint = endpoint;
    this.moved = moved;
    this.stream = new ClientStream(remote, (bytes) => this.received(bytes));
    this.stream.once('close', () => this.ended({ code: 1006, reason: '' }));
    this.stream.on('finish', () => this.finished());
    this.stream.on('error', () => {});
  }

  /** Whether the gateway has not answered the handshake yet. */
  get isAsking(): boolean {
    return this.phase === 'asking' && this.refusal === undefined;
  }

  send(message: unknown): void {
    if (Buffer.isBuffer(message)) this.frame(BINARY, message);
    else this.frame(TEXT, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
  }

  close(code = 1000, reason = ''): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.frame(CLOSE, Buffer.concat([payload, Buffer.from(reason)]));
  }

  cut(): void {
    this.stream.destroy();
    this.moved();
  }

  stall(): void {
    this.stream.stall();
  }

  unstall(): void {
    this.stream.unstall();
    this.moved();
  }

  private frame(opcode: number, payload: Buffer): void {
    if (this.phase !== 'open' || this.stream.destroyed)
      throw new TidegateError('TG_NOT_RUNNING', `the client of ${this.endpoint} is not connected any more`);
    this.moved();
    this.stream.push(clientFrame(opcode, payload));
  }

  private received(bytes: Buffer): void {
    this.moved();
    if (this.phase === 'asking') this.answered(bytes);
    else if (this.phase === 'open') for (const frame of this.reader.read(bytes)) this.take(frame);
  }

  /** The answer to the handshake, and what comes right behind it. */
  private answered(bytes: Buffer): void {
    this.head = Buffer.concat([this.head, bytes]);
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const [status = '', ...headers] = this.head.subarray(0, end).toString('latin1').split('\r\n');
    const rest = this.head.subarray(end + 4);
    if (!status.startsWith('HTTP/1.1 101')) return;
    this.phase = 'open';
    this.protocol = headers.find((line) => /^sec-websocket-protocol:/i.test(line))?.replace(/^[^:]*:\s*/, '');
    if (rest.length > 0) this.received(rest);
  }

  /** The gateway sends nothing more. */
  private finished(): void {
    if (this.phase === 'asking') {
      const [head = '', body = ''] = this.head.toString().split('\r\n\r\n');
      const status = head.split(' ')[1] ?? '';
      const why = `the handshake of ${this.endpoint} was refused: ${status} ${reasonIn(body)}`;
      this.refusal = new TidegateError('TG_NOT_ALLOWED', why);
    }
    if (!this.stream.destroyed) this.stream.push(null);
  }

  private take({ opcode, payload }: ServerFrame): void {
    if (opcode === TEXT) this.frames.push(payload.toString());
    else if (opcode === BINARY) this.frames.push(payload);
    else if (opcode === PING) this.stream.push(clientFrame(PONG, payload));
    else if (opcode === CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.ended({ code, reason: payload.subarray(2).toString() });
      // Never within the call that closes: ws would take it for a close of the client, and begin a second time limit of its own.
      process.nextTick(() => this.stream.push(clientFrame(CLOSE, payload)));
    }
  }

  private ended(closed: Closed): void {
    this.closed ??= closed;
    this.phase = 'over';
    this.moved();
  }
}

/** What an error answer says, in the form of all of the gateway's. */
function reasonIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: string; message?: string } };
    return `${error?.code}: ${error?.message}`;
  } catch {
    return body;
  }
}
