import type { Socket as NetworkSocket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Socket, SocketHandler } from '../../core/socket.ts';

/** Fields of ws that have no public name; ws is pinned, and a test fails when they move. */
interface Internals {
  readonly _socket: NetworkSocket;
  readonly _receiver: { readonly _bufferedBytes: number; readonly _messageLength: number };
}

/** Set on each ws socket, so that all of them share four listeners instead of having closures of their own. */
const OWNER = Symbol('owner');

type OwnedSocket = WebSocket & Internals & { [OWNER]: ServerSocket };

/**
 * A `ws` socket behind our port. Frames are written straight to the network socket: no extension is negotiated, so
 * the sender of ws keeps no state that could be mixed up, and one write can carry many frames.
 */
export class ServerSocket implements Socket {
  written = 0;
  handler: SocketHandler | undefined;
  private readonly ws: OwnedSocket;

  constructor(ws: WebSocket) {
    this.ws = ws as OwnedSocket;
    this.ws[OWNER] = this;
  }

  get remote(): string {
    const { remoteAddress, remotePort } = this.ws._socket;
    return `${remoteAddress}:${remotePort}`;
  }

  get buffered(): number {
    return this.ws._socket.writableLength;
  }

  get partial(): number {
    const receiver = this.ws._receiver;
    return receiver._bufferedBytes + receiver._messageLength;
  }

  attach(handler: SocketHandler): void {
    this.handler = handler;
    this.ws.on('message', onMessage).on('pong', onPong).on('close', onClose).on('error', onError);
  }

  write(bytes: Buffer): void {
    if (this.ws.readyState !== 1) return;
    this.written += bytes.length;
    this.ws._socket.write(bytes);
  }

  notifyDrain(): void {
    this.ws._socket.once('drain', () => this.handler?.onDrain());
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
}

function onMessage(this: WebSocket, data: RawData, binary: boolean): void {
  (this as OwnedSocket)[OWNER].handler?.onFrame(data as Buffer, binary);
}

function onPong(this: WebSocket, payload: Buffer): void {
  (this as OwnedSocket)[OWNER].handler?.onPong(payload);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as OwnedSocket)[OWNER].handler?.onClose(code, reason.toString());
}

/** ws closes by itself with the right code after any of its errors; 'close' tells. */
function onError(): void {}
