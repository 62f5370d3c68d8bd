import type { IncomingMessage } from 'node:http';
import type { Socket as NetworkSocket } from 'node:net';
import { plainAddress } from '../../core/client-address.ts';
import type { Socket, SocketHandler } from '../../core/socket.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { whenWritten } from './when-written.ts';

/** RFC 9110 12.5.1; weights do not matter, as there is one form of it. */
const ACCEPTS = /(?:^|,)\s*text\/event-stream\s*(?:[;,]|$)/i;

/** Milliseconds after which clients come back: the gateway stops, so another one may be there at once; or they are a burden. */
const RETRY = { restart: 1_000, other: 5_000 };

/** The client has gone away (RFC 6455 7.4.1): with an event stream it has no other way to close. */
const GONE = 1001;
const ABNORMAL = 1006;

/** Whether a request asks for an event stream. */
export function asksForEvents({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && ACCEPTS.test(headers.accept ?? '');
}

/**
 * A client that receives server-sent events, behind the port of a WebSocket. It sends nothing: a ping is a comment for
 * proxies, and a client that is gone is noticed when it takes nothing any more. Bytes are written straight to the network
 * socket, and the stream ends with its connection, so that one write serves as many clients as with WebSockets.
 */
export class EventStreamSocket implements Socket {
  readonly wire = 'sse';
  readonly partial = 0;
  readonly isStarved = false;
  written = 0;
  private readonly socket: NetworkSocket;
  private readonly address: string | undefined;
  private handler: SocketHandler | undefined;
  private ending: { readonly code: number; readonly reason: string } | undefined;
  private hasFailed = false;

  /** Answers the request. `origin`: of the page that asks, which may read the answer; `address`: the client's, where it is known. */
  constructor(socket: NetworkSocket, origin: string | undefined, address: string | undefined) {
    this.socket = socket;
    this.address = address;
    // Limits of the endpoint rule from now on.
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on('error', () => {
      this.hasFailed = true;
    });
    socket.once('close', () => this.closed());
    const shared = ['Access-Control-Allow-Credentials: true', 'Vary: Origin'];
    const head = [
      'HTTP/1.1 200 OK',
      'Content-Type: text/event-stream; charset=utf-8',
      'Cache-Control: no-store',
      'Connection: close',
      // nginx would keep events until its buffer is full.
      'X-Accel-Buffering: no',
      ...(origin === undefined ? [] : [`Access-Control-Allow-Origin: ${origin}`, ...shared]),
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n: open\n\n`);
  }

  get remote(): string {
    return this.address ?? plainAddress(this.socket.remoteAddress ?? '') ?? '';
  }

  get buffered(): number {
    return this.socket.writableLength;
  }

  attach(handler: SocketHandler): void {
    this.handler = handler;
  }

  write(bytes: Buffer): void {
    if (this.ending !== undefined || this.socket.destroyed) return;
    this.written += bytes.length;
    this.socket.write(bytes);
  }

  notifyDrain(): void {
    whenWritten(this.socket, () => this.handler?.onDrain());
  }

  /** Nothing comes that could wait. */
  pause(): void {}
  resume(): void {}

  /** A client cannot answer: the time limit for pongs is that for bytes that are not taken. */
  ping(): void {
    this.write(Buffer.from(': ping\n\n'));
    this.handler?.onPong(Buffer.alloc(0));
  }

  /** An `EventSource` comes back by itself: the event `close` says whether that makes sense, and `retry` when. */
  close(code: number, reason: string): void {
    if (this.ending !== undefined) return;
    const least = code === CLOSE_CODES.restart.code ? RETRY.restart : RETRY.other;
    const retry = Math.round(least * (1 + Math.random()));
    this.write(Buffer.from(`retry: ${retry}\nevent: close\ndata: ${JSON.stringify({ code, reason })}\n\n`));
    this.ending = { code, reason };
    this.socket.destroySoon();
  }

  terminate(): void {
    this.socket.destroy();
  }

  private closed(): void {
    const { code, reason } = this.ending ?? { code: this.hasFailed ? ABNORMAL : GONE, reason: '' };
    this.handler?.onClose(code, reason);
  }
}
