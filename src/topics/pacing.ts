/** How messages are collected into batches. */
export interface Pacing {
  /** A batch of this many messages is passed on at once. */
  readonly limit: number;
  /** Milliseconds that the first message waits at most; 0 for the end of the event loop turn. */
  readonly interval: number;
}
