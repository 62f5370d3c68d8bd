import type { TidegateError } from '../../core/errors.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import type { ReplaceCause } from '../reports/metrics.ts';

/** What the owner of a dialer does about its connections. */
export interface DialerHandler {
  /** A connect begins. Resolves once `lastCursor` is that of the messages so far; undefined if it is. */
  connects(): Promise<unknown> | undefined;
  /** Where the server should continue, for the opening messages; undefined if nothing was received yet. */
  lastCursor(): unknown;
  live(): void;
  /** A message can be sent at once; called after `mayTake` was false. */
  ready(): void;
  /** As that of a connection. May come before `live`. */
  frame(data: Buffer, binary: boolean, isRecord: boolean): void;
  pong(payload: Buffer): void;
  /** The connection was lost, or could not be made. `heardAt`: when the server was last heard. */
  lost(end: RemoteEnd, heardAt: number): void;
  /**
   * A new connection should replace this one. Returns whether the owner sees to that while this one lasts; otherwise
   * this one is closed first. `why` gives what may be shown, which takes time: a server may ask with each message.
   */
  takesOver(cause: ReplaceCause, why: () => string): boolean;
  /** There will be no other connection. Follows `lost`. */
  failed(failure: TidegateError): void;
}
