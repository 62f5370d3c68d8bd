import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Socket, SocketHandler } from '../../core/socket.ts';

/** Fields of ws that have no public name; ws is pinned, and a test fails when they move. */
interface Internals {
  readonly _socket: Duplex & { readonly bytesWritten?: number };
  readonly _receiver: { readonly _bufferedBytes: number; readonly _messageLength: number };
}

/**
 * A `ws` socket behind our port. Frames are written straight to the network socket: no extension is negotiated, so
 * the sender of ws keeps no state that could be mixed up, and one write can carry many frames.
 */
export class ServerSocket implements Socket {
  readonly remote: string;
  written = 0;
  private readonly ws: WebSocket & Internals;
  private readonly stream: Duplex;

  constructor(ws: WebSocket, remote: string) {
    this.ws = ws as WebSocket & Internals;
    this.stream = this.ws._socket;
    this.remote = remote;
  }

  get buffered(): number {
    return this.stream.writableLength;
  }

  get partial(): number {
    const receiver = this.ws._receiver;
    return receiver._bufferedBytes + receiver._messageLength;
  }

  attach(handler: SocketHandler): void {
    this.ws.on('message', (data, binary) => handler.onFrame(data as Buffer, binary));
    this.ws.on('pong', (payload) => handler.onPong(payload));
    this.ws.on('close', (code, reason) => handler.onClose(code, reason.toString()));
    // ws closes by itself with the right code after any of its errors; 'close' tells.
    this.ws.on('error', () => {});
    this.handler = handler;
  }

  write(bytes: Buffer): void {
    if (this.ws.readyState !== 1) return;
    this.written += bytes.length;
    this.stream.write(bytes);
  }

  notifyDrain(): void {
    this.stream.once('drain', () => this.handler?.onDrain());
  }

  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  ping(payload: Buffer): void {
    if (this.ws.readyState === 1) this.ws.ping(payload);
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }

  private handler: SocketHandler | undefined;
}
