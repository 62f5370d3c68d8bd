/** One accepted WebSocket, as a connection sees it. Bytes that are written are whole RFC 6455 frames. */
export interface Socket {
  /** Address of the peer, looked up when it is asked for. */
  readonly remote: string;
  /** Bytes that the operating system has not taken yet. */
  readonly buffered: number;
  /** Bytes ever handed to `write`. */
  readonly written: number;
  /** Bytes held of a message whose end has not come yet. */
  readonly partial: number;
  attach(handler: SocketHandler): void;
  /** Hands bytes to the operating system at once; ask `buffered` before writing more. */
  write(bytes: Buffer): void;
  /** Calls `handler.onDrain` once when everything written has left. */
  notifyDrain(): void;
  pause(): void;
  resume(): void;
  ping(payload: Buffer): void;
  /** Starts the closing handshake. `reason` at most 123 bytes (RFC 6455 5.5). */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

export interface SocketHandler {
  onFrame(data: Buffer, binary: boolean): void;
  onPong(payload: Buffer): void;
  onDrain(): void;
  /** Exactly once; nothing comes after it. 1006: the peer vanished without a closing frame. */
  onClose(code: number, reason: string): void;
}
