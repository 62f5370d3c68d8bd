import type { Farewell } from '../../core/frame.ts';

/** What the writing side of a socket belongs to; it hears how the peer keeps up. */
export interface OutboundOwner {
  /** Whether frames may still go to the peer. */
  readonly isOpen: boolean;
  /** Answers were left to the peer, which may have too many of them by now. */
  answersWereLeft(): void;
  /** Closes the peer: records came for which the queue has no room, and its policy is to disconnect. */
  dismiss(farewell: Farewell): void;
  /** The frame that reports so many dropped records to this peer; null where it gets none. */
  dropNotice(count: number): Buffer | null;
  /** The answers of a tick are written: reads that waited for that may go on. */
  wake(): void;
  /** Writing threw. */
  failed(error: unknown): void;
}
