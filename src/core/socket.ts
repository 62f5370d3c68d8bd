import type { Wire } from './shared-frame.ts';

/** One accepted WebSocket, as a connection sees it. Bytes that are written are whole RFC 6455 frames. */
export interface Socket {
  /** The form of the bytes that are written. */
  readonly wire: Wire;
  /** IP address of the client, without port, looked up when it is asked for; empty where it is not known any more. */
  readonly remote: string;
  /** Bytes that the operating system has not taken yet. */
  readonly buffered: number;
  /** Bytes ever handed to `write`. */
  readonly written: number;
  /** Bytes held of a message whose end has not come yet, as what they cost. */
  readonly partial: number;
  /** Whether it is not read because `memory.limit` is reached, in the middle of a message. */
  readonly isStarved: boolean;
  attach(handler: SocketHandler): void;
  /** Hands bytes to the operating system at once; ask `buffered` before writing more. */
  write(bytes: Buffer): void;
  /** Calls `handler.onDrain` once when everything written has left. */
  notifyDrain(): void;
  /** No frame comes any more, except while `onFrame` is called, and control frames in front of the next one. */
  pause(): void;
  resume(): void;
  ping(payload: Buffer): void;
  /** Starts the closing handshake; what is held of an unfinished message is free at once. `reason` at most 123 bytes (RFC 6455 5.5). */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

export interface SocketHandler {
  onFrame(data: Buffer, binary: boolean): void;
  /** The peer sent a ping, which was answered. */
  onPing(): void;
  onPong(payload: Buffer): void;
  onDrain(): void;
  /** The peer broke the protocol and is closed with that code; `onClose` follows. */
  onProtocolError(code: number, message: string): void;
  /** Exactly once; nothing comes after it. The peer's code, ours where it sent none, 1006 where neither side sent a close frame. */
  onClose(code: number, reason: string): void;
}
