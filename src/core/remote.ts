import type { Frame } from './component.ts';

/** What a client asks for in the opening handshake (RFC 6455 4.1). */
export interface RemoteRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Offered subprotocols (RFC 6455 1.9), the preferred one first. */
  readonly protocols: readonly string[];
}

/** What it takes to reach a WebSocket server. */
export interface RemoteTarget {
  /** The request of this connect, once its token is known. Throws an Error, for people, where it cannot be made. */
  readonly request: (token: string | undefined) => RemoteRequest;
  readonly auth?: RemoteAuth | undefined;
  /** Of an HTTP proxy that is asked to CONNECT. */
  readonly proxy?: string | undefined;
  readonly tls?: RemoteTls | undefined;
  /** Whether permessage-deflate (RFC 7692) is offered. */
  readonly compression: boolean;
  /** Largest message that is taken, in bytes; a larger one costs the connection (1009). */
  readonly maxFrame: number;
}

/** Where a token comes from; file and command are asked at each connect, so that a token may be renewed. */
export interface RemoteAuth {
  readonly token?: string | undefined;
  readonly token_file?: string | undefined;
  /** One text is run by a shell, a list without one. */
  readonly token_command?: string | readonly string[] | undefined;
  /** Whether it goes into the handshake as `Authorization: Bearer`. */
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
  /** A closing frame of the server. */
  | 'closed'
  /** It vanished without a closing frame. */
  | 'broken'
  /** The server broke RFC 6455. */
  | 'protocol'
  /** A message was larger than `maxFrame`. */
  | 'too_big'
  /** We ended it: the server said nothing for too long, or not what was waited for. */
  | 'silent';

export interface RemoteEnd {
  readonly kind: RemoteEndKind;
  /** Close code; 1006 where there was no closing frame. */
  readonly code: number;
  /** What happened and what to do, for people. May quote the server. */
  readonly reason: string;
}

/** One WebSocket that was dialled, from the first packet on. */
export interface RemoteSocket {
  /** Bytes ever read, in parts of frames too: a peer that sends anything is alive. */
  readonly bytesRead: number;
  /** Bytes that the operating system has not taken yet. */
  readonly buffered: number;
  /** `written` hears whether the operating system took it. Nothing is sent before `onOpen`. */
  send(frame: Frame, written?: (isWritten: boolean) => void): void;
  ping(payload: Buffer): void;
  pause(): void;
  resume(): void;
  /** Starts the closing handshake, or gives up dialling. */
  close(code: number, reason: string): void;
  /** Ends it without a word. `onClose` follows. */
  terminate(): void;
}

export interface RemoteHandler {
  /** Once, if at all. `token` is the one that was used. */
  onOpen(token: string | undefined): void;
  onFrame(data: Buffer, binary: boolean): void;
  onPong(payload: Buffer): void;
  /** Exactly once, whether it was open before or not; nothing comes after it. */
  onClose(end: RemoteEnd): void;
}

/** Begins to dial and returns at once; what comes of it is told to `handler`, never before the call has returned. */
export type Connect = (target: RemoteTarget, handler: RemoteHandler) => RemoteSocket;
