import type { Frame } from './frame.ts';

/** The request of the opening handshake (RFC 6455 4.1). */
export interface RemoteRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Offered subprotocols (RFC 6455 1.9), the preferred one first. */
  readonly protocols: readonly string[];
}

/** A WebSocket server, and how to reach it. */
export interface RemoteTarget {
  /**
   * Makes the request of this connect once its token is known, until `signal` aborts. Throws, or rejects with, an Error that
   * can be logged if that is impossible.
   */
  readonly request: (token: string | undefined, signal: AbortSignal) => RemoteRequest | Promise<RemoteRequest>;
  readonly auth?: RemoteAuth | undefined;
  /** URL of an HTTP proxy (CONNECT). */
  readonly proxy?: string | undefined;
  readonly tls?: RemoteTls | undefined;
  /** Whether permessage-deflate (RFC 7692) is offered. */
  readonly compression: boolean;
  /** Largest message that is accepted, in bytes; a larger one closes the connection (1009). */
  readonly maxFrame: number;
}

/** Where a token comes from. File and command are used at each connect, so that tokens can be renewed. */
export interface RemoteAuth {
  readonly token?: string | undefined;
  readonly token_file?: string | undefined;
  /** Text is run by the shell, a list without a shell. */
  readonly token_command?: string | readonly string[] | undefined;
  /** Whether the token is sent in the handshake as `Authorization: Bearer`. */
  readonly handshake: boolean;
}

/** Paths of PEM files, read at each connect. */
export interface RemoteTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly reject_unauthorized: boolean;
}

/** How a connection ended, or why there was none. */
export type RemoteEndKind =
  /** No network, no TLS, no answer, no token: there was no handshake. */
  | 'unreachable'
  /** The server or a proxy answered the handshake with something else, or the server refused the subscription. */
  | 'refused'
  /** The server sent a close frame. */
  | 'closed'
  /** The connection ended without a close frame. */
  | 'broken'
  /** The server broke RFC 6455. */
  | 'protocol'
  /** A message was larger than `maxFrame`. */
  | 'too_big'
  /** It was cut here: the server sent nothing for too long, or not the expected reply, or does not read answers. */
  | 'silent';

export interface RemoteEnd {
  readonly kind: RemoteEndKind;
  /** Close code; 1006 if there was no close frame. */
  readonly code: number;
  /** What happened and what to do, for the log. May quote the server. */
  readonly reason: string;
}

/** One WebSocket that was dialled, from the first packet on. */
export interface RemoteSocket {
  /** Bytes read so far, including parts of frames: a peer that sends anything is alive. */
  readonly bytesRead: number;
  /** Bytes that the operating system has not accepted yet. */
  readonly buffered: number;
  /** Bytes of the write that is being made which are not sent. `buffered` has all bytes of it until the last one is sent. */
  readonly unsent: number;
  /** `written` is called once the operating system has accepted the frame, or not. Nothing is sent before `onOpen`. */
  send(frame: Frame, written?: (isWritten: boolean) => void): void;
  ping(payload: Buffer): void;
  pong(payload: Buffer): void;
  pause(): void;
  resume(): void;
  /** Starts the closing handshake, or gives up dialling. */
  close(code: number, reason: string): void;
  /** Ends the socket without a closing handshake. `onClose` follows. */
  terminate(): void;
}

export interface RemoteHandler {
  /** At most once. `token` is the one that was used. */
  onOpen(token: string | undefined): void;
  onFrame(data: Buffer, binary: boolean): void;
  /** A ping, to be answered by `pong`. Where this is left out, pings are answered at once. */
  onPing?(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** Exactly once, whether it was open before or not; nothing follows. */
  onClose(end: RemoteEnd): void;
}

/** Starts to dial and returns at once; `handler` is never called before the call has returned. */
export type Connect = (target: RemoteTarget, handler: RemoteHandler) => RemoteSocket;
