import type { RemoteEnd } from '../../core/remote.ts';

/** What a connection reports. */
export interface ConnectionHandler {
  /** As that of the owner of the dialer. */
  connects(): Promise<unknown> | undefined;
  /** Where the server should continue; undefined if nothing was received yet. */
  lastCursor(): unknown;
  /** The opening handshake of WebSocket is done. */
  connected(): void;
  /** No reply to `subscribe` is waited for any more. Messages of the server may follow, and at the latest `subscribed`. */
  replied(): void;
  /** All messages of `subscribe` are sent, and all replies have come. */
  subscribed(): void;
  /** The connection is useless and has to be cut. */
  stale(): void;
  /** The server asks for a new connection in place of this one. `quote` gives its message as it may be shown. */
  replacementAsked(quote: () => string): void;
  /** A message can be sent at once; called after `mayTake` was false. */
  ready(): void;
  /** A message of this many bytes was read. */
  heard(bytes: number): void;
  /** A message that cannot be decompressed, and why not. */
  damaged(data: Buffer, why: string): void;
  /**
   * A message. `isRecord`: it is neither a reply to `subscribe`, nor taken by `heartbeat.reply` or `reconnect.on`; the others
   * come only from a server whose messages are numbered.
   */
  frame(data: Buffer, binary: boolean, isRecord: boolean): void;
  pong(payload: Buffer): void;
  /** Exactly once, nothing follows. The reason may be shown. `at`: when the socket ended, by `Clock.now`. */
  ended(end: RemoteEnd, at: number): void;
}
