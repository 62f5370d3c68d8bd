import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type WebSocket, WebSocketServer } from 'ws';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

/** Paths of the certificates of tests: `ca.pem` signed `server.pem` (feed.test, localhost) and `client.pem`. */
export const tlsFile = (name: string) => join(ROOT, 'test/fixtures/tls', name);

export interface FeedServerOptions {
  readonly port?: number;
  /** Serves wss:// with the certificate of tests; `clientCertificate`: only to those who have one. */
  readonly tls?: { readonly clientCertificate?: boolean };
  readonly compression?: boolean;
  /** What it chooses of the subprotocols that are offered; false for none. The first one where it is left out. */
  readonly choose?: () => string | false;
  /** Called with each connection, in place of silence. */
  readonly greet?: (connection: FeedConnection) => void;
}

/** Where the tests of a suite leave their cleaning up. */
interface Cleanup {
  after(cleanup: () => Promise<void>): void;
}

/** How a handshake is answered. */
type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the bytes and says nothing. */
  | 'silence'
  /** Says these bytes behind a correct handshake, in the same write, and nothing after. */
  | { readonly raw: (accept: Buffer) => Buffer };

/** One client of a feed. */
export class FeedConnection {
  readonly ws: WebSocket;
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
  readonly received: string[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(ws: WebSocket, { headers, url = '' }: IncomingMessage) {
    this.ws = ws;
    this.headers = headers;
    this.url = url;
    const changed = () => {
      for (const watcher of [...this.watchers]) watcher();
    };
    ws.on('message', (data) => {
      this.received.push(data.toString());
      changed();
    });
    ws.on('close', changed);
    ws.on('error', () => {});
  }

  get isOpen(): boolean {
    return this.ws.readyState === 1;
  }

  /** Resolves when `condition` holds; it is asked again after each message and at the close. */
  until(condition: () => boolean, timeout = 45_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.watchers.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.watchers.delete(check);
        reject(new Error(`nothing after ${timeout} ms; received ${this.received.slice(-3).join(' | ')}`));
      }, timeout);
      this.watchers.add(check);
      check();
    });
  }
}

/** A WebSocket server that a feed connects to, real down to the socket, which can misbehave on demand. */
export class FeedServer {
  readonly connections: FeedConnection[] = [];
  /** Handshakes that were asked for, those that were refused too. */
  handshakes = 0;
  /** Most connections that were open at a time. */
  mostAtOnce = 0;
  /** How the next handshakes are answered; undefined: with a WebSocket. */
  answer: Answer | undefined;
  private readonly options: FeedServerOptions;
  private readonly server: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>;
  private readonly wss: WebSocketServer;
  private readonly sockets = new Set<Socket>();
  private readonly watchers = new Set<() => void>();
  private boundPort = 0;

  private constructor(options: FeedServerOptions) {
    this.options = options;
    this.wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: options.compression ?? false,
      maxPayload: 0,
      ...(options.choose === undefined ? {} : { handleProtocols: options.choose }),
    });
    this.server = options.tls === undefined ? createServer() : createTlsServer(tlsOptions(options.tls));
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  static async start(t: Cleanup, options: FeedServerOptions = {}): Promise<FeedServer> {
    const feed = new FeedServer(options);
    await feed.listen(options.port ?? 0);
    t.after(() => feed.stop());
    return feed;
  }

  get port(): number {
    return this.boundPort;
  }

  get url(): string {
    return `${this.options.tls === undefined ? 'ws://127.0.0.1' : 'wss://localhost'}:${this.boundPort}`;
  }

  get live(): FeedConnection[] {
    return this.connections.filter(({ isOpen }) => isOpen);
  }

  /** Resolves with connection number `count`, 1 for the first one. */
  async connection(count: number, timeout = 45_000): Promise<FeedConnection> {
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (this.connections.length < count) return;
        clearTimeout(timer);
        this.watchers.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.watchers.delete(check);
        reject(new Error(`waited ${timeout} ms for connection ${count}, there were ${this.connections.length}`));
      }, timeout);
      this.watchers.add(check);
      check();
    });
    return this.connections[count - 1] as FeedConnection;
  }

  /** Cuts every connection and frees the port. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  /** Takes connections again, on the same port. */
  async restart(): Promise<void> {
    await this.listen(this.boundPort);
  }

  private async listen(port: number): Promise<void> {
    this.server.listen(port, this.options.tls === undefined ? '127.0.0.1' : 'localhost');
    await once(this.server, 'listening');
    this.boundPort = (this.server.address() as AddressInfo).port;
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.handshakes += 1;
    const { answer } = this;
    if (answer === 'silence') return;
    if (answer !== undefined && 'status' in answer) {
      const headers = Object.entries({ connection: 'close', 'content-length': '0', ...answer.headers });
      const lines = headers.map(([name, value]) => `${name}: ${value}`);
      socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join('\r\n')}\r\n\r\n`);
      return;
    }
    if (answer !== undefined) this.appendToHandshake(socket, answer.raw);
    this.wss.handleUpgrade(request, socket, head, (ws) => {
      const connection = new FeedConnection(ws, request);
      this.connections.push(connection);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.live.length);
      this.options.greet?.(connection);
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  /** Sends raw bytes in the very write of the handshake's answer. */
  private appendToHandshake(socket: Duplex, raw: (accept: Buffer) => Buffer): void {
    const write = socket.write.bind(socket);
    socket.write = ((chunk: string | Buffer, ...rest: unknown[]) => {
      socket.write = write;
      return write(raw(Buffer.from(chunk)), ...(rest as []));
    }) as typeof socket.write;
  }
}

/** Bytes of a frame as a server sends it (RFC 6455 5.2), wrong ones too. */
export function rawFrame(opcode: number, payload: Buffer | string, { reserved = false, length = -1 } = {}): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(10);
  head[0] = 0x80 | (reserved ? 0x40 : 0) | opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length < 0 ? body.length : length), 2);
  // The shortest form is a must (5.2), so short ones are written short.
  const short = length < 0 && body.length < 126 ? Buffer.from([head[0], body.length]) : head;
  return Buffer.concat([short, body]);
}

function tlsOptions({ clientCertificate = false }) {
  return {
    key: readFileSync(tlsFile('server.key.pem')),
    cert: readFileSync(tlsFile('server.pem')),
    ca: readFileSync(tlsFile('ca.pem')),
    requestCert: clientCertificate,
    rejectUnauthorized: clientCertificate,
  };
}
