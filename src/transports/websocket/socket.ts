import type { Socket as NetworkSocket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { plainAddress } from '../../core/client-address.ts';
import type { ClientMemory } from '../../core/client-memory.ts';
import type { Wire } from '../../core/shared-frame.ts';
import type { Socket, SocketHandler } from '../../core/socket.ts';
import { Reading, type ReadSocket } from './reading.ts';
import { whenWritten } from './when-written.ts';

/** Fields of ws that have no public name; ws is pinned, and a test fails when they move. */
interface Internals {
  readonly _socket: NetworkSocket & { readonly _readableState: { highWaterMark: number } };
  readonly _receiver: object;
  /** The same object that the receiver has. */
  readonly _extensions: Record<string, typeof NEGOTIATED>;
}

/** What ws says that a socket ended with for which no close frame came (RFC 6455 7.1.5). */
const ABNORMAL = 1006;
const PROTOCOL_ERROR = 1002;
/** By ws's error codes (https://github.com/websockets/ws/blob/8.23.0/doc/ws.md#error-codes); for all others it is 1002. */
const CLOSE_CODE_OF: ReadonlyMap<string, number> = new Map([
  ['WS_ERR_INVALID_UTF8', 1007],
  ['WS_ERR_INVALID_DEFLATE', 1007],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1009],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
]);

/** All that ws has to know of compression: that its receiver may take such frames. `Reading` inflates them. */
const NEGOTIATED = { cleanup: () => {} };

/** Set on each ws socket, so that all of them share five listeners instead of having closures of their own. */
const OWNER = Symbol('owner');

type OwnedSocket = WebSocket & Internals & { [OWNER]: ServerSocket };

/**
 * A `ws` socket behind our port. Frames are written straight to the network socket: compression keeps no state between
 * messages, so the sender of ws has none that could be mixed up, and one write can carry many frames.
 */
export class ServerSocket implements Socket, ReadSocket {
  readonly wire: Wire;
  written = 0;
  handler: SocketHandler | undefined;
  /** The close frame that we have sent; ws forgets it where the peer sends none. */
  ending: { readonly code: number; readonly reason: string } | undefined;
  private readonly ws: OwnedSocket;
  private readonly reading: Reading;
  private readonly address: string | undefined;

  /** `address`: the client's, where it may be another one than the peer's. `wire`: deflate where it was negotiated. */
  constructor(ws: WebSocket, memory: ClientMemory, address?: string, wire: Wire = 'plain') {
    this.wire = wire;
    this.ws = ws as OwnedSocket;
    this.address = address;
    this.ws[OWNER] = this;
    if (wire === 'deflate') this.ws._extensions['permessage-deflate'] = NEGOTIATED;
    this.reading = new Reading(this.ws._receiver, memory, this);
    // Where it is paused, Node would read on until 16 KiB wait, with a Buffer for each piece, and a piece may be a byte.
    this.ws._socket._readableState.highWaterMark = 1;
  }

  get remote(): string {
    return this.address ?? plainAddress(this.ws._socket.remoteAddress ?? '') ?? '';
  }

  get buffered(): number {
    return this.ws._socket.writableLength;
  }

  get partial(): number {
    return this.reading.unfinished;
  }

  get isStarved(): boolean {
    return this.reading.isStarved;
  }

  attach(handler: SocketHandler): void {
    this.handler = handler;
    this.ws.on('message', onMessage).on('ping', onPing).on('pong', onPong).on('close', onClose).on('error', onError);
  }

  write(bytes: Buffer): void {
    if (this.ws.readyState !== 1) return;
    this.written += bytes.length;
    this.ws._socket.write(bytes);
  }

  notifyDrain(): void {
    whenWritten(this.ws._socket, () => this.handler?.onDrain());
  }

  pause(): void {
    this.reading.pause();
  }

  resume(): void {
    this.reading.resume();
  }

  stop(): void {
    this.ws.pause();
  }

  start(): void {
    this.ws.resume();
  }

  ping(payload: Buffer): void {
    if (this.ws.readyState === 1) this.ws.ping(payload);
  }

  close(code: number, reason: string): void {
    if (this.ws.readyState === 1) this.ending = { code, reason };
    this.reading.discard();
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.reading.discard();
    this.ws.terminate();
  }

  /** Nothing is kept of what can never be finished. */
  ended(): void {
    this.reading.discard();
  }
}

function onMessage(this: WebSocket, data: RawData, binary: boolean): void {
  (this as OwnedSocket)[OWNER].handler?.onFrame(data as Buffer, binary);
}

function onPing(this: WebSocket): void {
  (this as OwnedSocket)[OWNER].handler?.onPing();
}

function onPong(this: WebSocket, payload: Buffer): void {
  (this as OwnedSocket)[OWNER].handler?.onPong(payload);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  const owner = (this as OwnedSocket)[OWNER];
  owner.ended();
  const { ending, handler } = owner;
  if (ending !== undefined && code === ABNORMAL) handler?.onClose(ending.code, ending.reason);
  else handler?.onClose(code, reason.toString());
}

/** ws has sent the close frame that the standard asks for where a peer breaks the protocol; 'close' follows, 30 s later where the peer does not answer. */
function onError(this: WebSocket, { code = '', message }: NodeJS.ErrnoException): void {
  const owner = (this as OwnedSocket)[OWNER];
  owner.ended();
  if (!code.startsWith('WS_ERR_')) return;
  const closeCode = CLOSE_CODE_OF.get(code) ?? PROTOCOL_ERROR;
  owner.ending = { code: closeCode, reason: message };
  owner.handler?.onProtocolError(closeCode, message);
}
