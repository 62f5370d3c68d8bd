/** A WebSocket data frame's content. */
export interface Frame {
  readonly data: Buffer | string;
  readonly binary: boolean;
  /** Bytes of the payload that are written behind `data`. */
  readonly following?: number;
}

/** Close code and reason (RFC 6455 7.4; at most 123 bytes). */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}
